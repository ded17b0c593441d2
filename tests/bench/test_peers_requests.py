"""The requests that peers receive, and how the load generator reads their answers."""

import ast
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

import pytest
from werkzeug.test import EnvironBuilder
from werkzeug.wrappers import Request

from bench.load import Client, load
from bench.peers.protocols import PROTOCOLS, ask_for_task, form_post, parse, raw_post
from tests.house.sources import ROOT

PHOTOGRAPH = b"\xff\xd8 a photograph with\r\n\r\nline ends \xff\xd9"
ANSWER: dict[str, object] = {"labels": [{"class_id": 285, "name": "Egyptian cat", "score": 0.5}]}


class Peer(BaseHTTPRequestHandler):
    """Answers an upload with a label, or with a task if there are `states` to return later."""

    protocol_version = "HTTP/1.1"
    states: ClassVar[list[dict[str, object]]] = []
    received: ClassVar[list[tuple[str, str, bytes]]] = []

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.received.append((self.path, self.headers["Content-Type"], body))
        self.send({"task_id": "7"} if self.states else ANSWER)

    def do_GET(self) -> None:
        assert self.path == "/tasks/7"
        self.send(self.states.pop(0))

    def send(self, content: dict[str, object]) -> None:
        data = json.dumps(content).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(data)))  # as uvicorn spells it
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def running(*states: dict[str, object]) -> Iterator[int]:
    """A peer on a free port that has received nothing."""
    Peer.states[:], Peer.received[:] = states, []
    with ThreadingHTTPServer(("127.0.0.1", 0), Peer) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


def test_a_raw_request_has_the_photograph_as_its_body() -> None:
    with running() as port:
        [(seconds, body)] = load(port, 1, [raw_post(PHOTOGRAPH)], PROTOCOLS["raw"].predict)
    assert Peer.received == [("/classify", "image/jpeg", PHOTOGRAPH)]
    assert parse(seconds, body).label == 285


def test_a_form_has_the_photograph_as_a_file() -> None:
    with running() as port:
        load(port, 1, [form_post(PHOTOGRAPH)], PROTOCOLS["form"].predict)
    [(_, content_type, body)] = Peer.received
    builder = EnvironBuilder(method="POST", data=body, content_type=content_type)
    file = Request(builder.get_environ()).files["image"]
    assert (file.read(), file.content_type) == (PHOTOGRAPH, "image/jpeg")


def test_a_task_is_asked_for_until_it_has_ended() -> None:
    states: list[dict[str, object]] = [{"state": "PENDING"}, {"state": "STARTED"}]
    with running(*states, {"state": "SUCCESS", **ANSWER}) as port:
        client = Client(port)
        body = ask_for_task(client, raw_post(PHOTOGRAPH))
        client.close()
    assert parse(0.1, body).label == 285
    assert Peer.states == []


def test_a_failed_task_is_a_problem() -> None:
    with running({"state": "FAILURE"}) as port:
        [(seconds, body)] = load(port, 1, [raw_post(PHOTOGRAPH)], ask_for_task)
    assert parse(seconds, body).label is None
    assert "FAILURE" in parse(seconds, body).problem


def test_a_response_without_a_task_is_a_problem() -> None:
    with running() as port:
        [(seconds, body)] = load(port, 1, [raw_post(PHOTOGRAPH)], ask_for_task)
    assert "no task" in parse(seconds, body).problem


@pytest.mark.parametrize(
    "body", [b"", b"Internal Server Error", b"[]", b'{"labels": []}', b'{"labels": [{}]}']
)
def test_anything_without_a_label_is_a_problem(body: bytes) -> None:
    answer = parse(0.5, body)
    assert answer.label is None
    assert answer.problem == (body.decode() or "no answer")


def test_peers_import_nothing_of_this_project_but_the_yardstick() -> None:
    folder = ROOT / "bench" / "peers"
    paths = [*folder.glob("*_service.py"), folder / "classifier.py"]
    assert len(paths) == 5
    ours = {"api", "bench", "client", "common", "engine", "migrations", "standalone", "tests"}
    for path in paths:
        nodes = list(ast.walk(ast.parse(path.read_text())))
        names = [node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)]
        names += [
            alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names
        ]
        project = {name for name in names if name.split(".")[0] in ours}
        assert project <= {"bench.peers.classifier", "bench.yardstick.classify_jpegs"}, path
