"""The web server: where it listens, and what signals and headers may do to it."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from gunicorn.util import parse_address

from api.gunicorn.settings import ServerSettings
from common.errors import SettingsError
from tests.support.checkout import CHECKOUT
from tests.support.http.calls import until
from tests.support.http.raw import exchange, request
from tests.support.rows.databases import migrate
from tests.support.servers.private import free_ports
from tests.support.services.processes import OURS, Running, standalone

pytestmark = pytest.mark.slow

README = CHECKOUT / "README.md"


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("", ("127.0.0.1", 5000)),
        ("0.0.0.0", ("0.0.0.0", 5000)),
        ("localhost", ("localhost", 5000)),
        ("::", ("::", 5000)),
        ("::1", ("::1", 5000)),
        ("[::1]", ("::1", 5000)),
        ("2001:db8::7", ("2001:db8::7", 5000)),
    ],
)
def test_gunicorn_reads_the_address_that_was_set(host: str, address: tuple[str, int]) -> None:
    assert parse_address(ServerSettings.from_env({"HOST": host}).address) == address


@pytest.mark.parametrize(
    ("variable", "text"),
    [
        ("PORT", "0"),
        ("PORT", "65536"),
        ("PORT", "-1"),
        ("PORT", "http://10.0.0.1:5000"),
        ("WEB_THREADS", "abc"),
        ("WEB_THREADS", "0"),
        ("WEB_PROCESSES", "1.5"),
        ("KEEP_ALIVE_SECONDS", "-3"),
    ],
)
def test_an_unusable_setting_is_named(variable: str, text: str) -> None:
    with pytest.raises(SettingsError, match=variable):
        ServerSettings.from_env({variable: text})


def test_a_service_link_is_no_port() -> None:
    assert ServerSettings.from_env({"PORT": "tcp://10.0.0.1:5000"}).port == 5000


def test_the_server_ends_with_one_line_about_an_unusable_setting() -> None:
    command = [sys.executable, "-m", "gunicorn", "-c", "python:api.gunicorn_conf", "x:y"]
    done = subprocess.run(
        command, env=os.environ | {"WEB_THREADS": "abc"}, capture_output=True, text=True
    )
    assert done.returncode == 1
    assert done.stderr.startswith("WEB_THREADS='abc' cannot be used:")
    assert "Traceback" not in done.stderr


def ending(folder: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    """What standalone with these variables says until it ends by itself."""
    kept = {key: value for key, value in os.environ.items() if key not in OURS}
    arguments = ["-c", "python:api.gunicorn_conf", "--workers", "1", "standalone:from_env()"]
    return subprocess.run(
        [sys.executable, "-m", "gunicorn", *arguments],
        cwd=README.parent,
        env=kept | {"DATA_DIR": str(folder)} | environ,
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_an_unusable_setting_of_the_application_is_one_line(tmp_path: Path) -> None:
    done = ending(tmp_path, RATE_LIMIT="much")
    assert done.returncode == 1
    assert done.stderr.startswith("RATE_LIMIT='much' cannot be used: ")
    assert len(done.stderr.splitlines()) == 1


def test_what_only_the_worker_finds_out_comes_without_a_traceback(tmp_path: Path) -> None:
    done = ending(tmp_path, JWT_SECRET="short", PORT=str(free_ports(1)[0]))
    assert done.returncode != 0
    assert "JWT_SECRET" in done.stderr
    assert "Traceback" not in done.stderr


def test_what_only_the_engine_finds_out_ends_the_start_too(tmp_path: Path) -> None:
    migrate(f"sqlite:///{tmp_path}/afterimage.db", tmp_path)
    port = str(free_ports(1)[0])
    done = ending(tmp_path, CAPTIONER_URL="openai://127.0.0.1/v1?model=x", PORT=port)
    assert done.returncode != 0
    [line] = [each for each in done.stderr.splitlines() if not each.startswith(("[", "{"))]
    assert line == "CAPTIONER_URL=openai://… needs OPENAI_API_KEY"


def test_an_address_in_use_is_told_once(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        done = ending(tmp_path, PORT=str(port))
    assert done.returncode == 1
    [line] = [each for each in done.stderr.splitlines() if "[INFO]" not in each]
    assert line.startswith(f"HOST=127.0.0.1 PORT={port} cannot be listened on: Address already in")


def test_a_metrics_folder_of_another_program_is_not_used(tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    folder = tmp_path / "data"
    with standalone(folder, until="/healthz", PROMETHEUS_MULTIPROC_DIR=str(other)) as running:
        assert exchange(running.base_url, request("GET", "/metrics")).status == 200
    assert not list(other.iterdir())


def test_idle_connections_outlive_those_of_load_balancers() -> None:
    assert ServerSettings.from_env({}).keep_alive > 60
    assert ServerSettings.from_env({"KEEP_ALIVE_SECONDS": "610"}).keep_alive == 610


@pytest.fixture(scope="module")
def on_every_address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with standalone(tmp_path_factory.mktemp("server"), until="/healthz", HOST="::") as running:
        yield running


def test_it_listens_on_ipv6_and_ipv4(on_every_address: Running) -> None:
    port = on_every_address.base_url.rpartition(":")[2]
    for base_url in (on_every_address.base_url, f"http://[::1]:{port}"):
        assert exchange(base_url, request("GET", "/healthz")).status == 200


def test_a_client_on_loopback_sets_neither_script_name_nor_scheme(
    on_every_address: Running,
) -> None:
    base_url = on_every_address.base_url
    for path in ("/healthz", "/x/healthz"):
        asked = request("GET", path, {"SCRIPT_NAME": "/x", "X-Forwarded-Proto": "https"})
        answer = exchange(base_url, asked)
        assert answer.status == (200 if path == "/healthz" else 404)
        assert "Strict-Transport-Security" not in answer.headers


@pytest.mark.parametrize("sent", ["SIGTTIN", "SIGTTOU", "SIGUSR1", "SIGWINCH"])
def test_signals_leave_one_process_that_serves(on_every_address: Running, sent: str) -> None:
    before = on_every_address.log.read_text().count("Booting worker")
    os.kill(on_every_address.pid, getattr(signal, sent))
    time.sleep(2)  # in which a second worker would have started
    assert on_every_address.process.poll() is None
    assert exchange(on_every_address.base_url, request("GET", "/healthz")).status == 200
    assert on_every_address.log.read_text().count("Booting worker") == before


def test_sighup_hands_over_to_a_new_process(on_every_address: Running) -> None:
    before = on_every_address.log.read_text().count("Booting worker")
    os.kill(on_every_address.pid, signal.SIGHUP)
    until(
        lambda: on_every_address.log.read_text().count("Booting worker") > before, 20, "no reload"
    )
    answer = exchange(on_every_address.base_url, request("GET", "/healthz"))
    assert answer.status == 200
    time.sleep(1)
    assert on_every_address.process.poll() is None
