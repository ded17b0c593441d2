"""Errors are told to what speaks Sentry's protocol: here, a server of the test's own."""

import gzip
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from common.errors import SettingsError
from common.observability.logs import configure
from tests.support.checkout import CHECKOUT

PROGRAM = """
import structlog
from common.observability.logs import configure
configure("info", "json", "{dsn}")
log = structlog.get_logger("test").bind(request_id="r-1", task="classify")
password = "swordfish"
log.info("all is well")
try:
    raise ValueError("the engine is on fire")
except ValueError as error:
    log.error("unhandled error", path="/v1/x", exc_info=error)
try:
    {{}}["nothing"]
except KeyError:
    log.exception("a batch was dropped")
log.error("no stack")
"""


@contextmanager
def receiving() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """A DSN, and the events that are sent to it."""
    events: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            lines = body.split(b"\n")
            pairs = zip(lines[1::2], lines[2::2], strict=False)
            events.extend(json.loads(item) for head, item in pairs if b'"event"' in head)
            self.send_response(200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *_: object) -> None:
            """Quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield f"http://public@127.0.0.1:{server.server_port}/1", events
        finally:
            server.shutdown()
            thread.join()


def test_errors_are_told_with_their_stack_and_nothing_private() -> None:
    with receiving() as (dsn, events):
        program = [sys.executable, "-c", PROGRAM.format(dsn=dsn)]
        done = subprocess.run(program, cwd=CHECKOUT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    logged = [json.loads(line)["event"] for line in done.stderr.splitlines()]
    assert logged == ["all is well", "unhandled error", "a batch was dropped", "no stack"]
    first, second, third = sorted(events, key=lambda event: event["timestamp"])
    assert first["exception"]["values"][-1]["value"] == "the engine is on fire"
    assert first["exception"]["values"][-1]["stacktrace"]["frames"]
    assert second["exception"]["values"][-1]["type"] == "KeyError"
    assert third["message"] == "no stack"
    for event in events:
        assert event["tags"] == {"request_id": "r-1", "task": "classify"}
        assert event["release"].startswith("afterimage@")
    assert first["contexts"]["log"]["path"] == "/v1/x"
    assert '"vars"' not in json.dumps(events)


def test_a_server_that_is_away_costs_nothing(tmp_path: Path) -> None:
    with receiving() as (dsn, _):
        pass  # nobody listens there any more
    program = [sys.executable, "-c", PROGRAM.format(dsn=dsn)]
    done = subprocess.run(program, cwd=CHECKOUT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("dsn", ["nonsense", "http://127.0.0.1/1", "ftp://a@b/1"])
def test_what_is_no_dsn_is_a_wrong_setting(dsn: str) -> None:
    with pytest.raises(SettingsError, match="SENTRY_DSN"):
        configure("info", "json", dsn)
