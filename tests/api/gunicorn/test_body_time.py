"""The time within which the body of a request must arrive."""

import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from types import SimpleNamespace

import pytest
from werkzeug.exceptions import RequestTimeout

from api.gunicorn import slow_bodies
from api.gunicorn.response_writer import SLOWEST, ResponseWriter
from api.gunicorn.slow_bodies import BODY_SECONDS, CONTINUE, ExpectedBody, body_seconds

LENGTH = 10_000


@pytest.fixture
def ends() -> Iterator[tuple[socket.socket, socket.socket]]:
    """The two ends of a connection: the client's and the server's."""
    client, server = socket.socketpair()
    with client, server:
        yield client, server


def test_a_large_body_has_as_long_as_the_slowest_allowed_client_takes() -> None:
    assert body_seconds(0) == BODY_SECONDS
    assert body_seconds(10 * SLOWEST) == BODY_SECONDS + 10


def test_a_body_that_arrives_is_read_after_continue(
    ends: tuple[socket.socket, socket.socket],
) -> None:
    client, server = ends
    client.sendall(b"b" * (LENGTH - 1))
    request = SimpleNamespace(must_close=True)
    body = ExpectedBody(ResponseWriter(server), request, b"a", LENGTH)
    assert body.read() == b"a" + b"b" * (LENGTH - 1)
    assert client.recv(100) == CONTINUE
    assert request.must_close is False


def test_a_client_that_only_drips_runs_out_of_time(
    ends: tuple[socket.socket, socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slow_bodies, "BODY_SECONDS", 0.2)
    client, server = ends
    is_over = threading.Event()

    def drip() -> None:
        with contextlib.suppress(OSError):
            while not is_over.wait(0.02):
                client.sendall(b"x")

    thread = threading.Thread(target=drip)
    thread.start()
    start = time.monotonic()
    try:
        body = ExpectedBody(ResponseWriter(server), SimpleNamespace(), b"", LENGTH)
        with pytest.raises(RequestTimeout, match="did not arrive within the time limit"):
            body.read()
    finally:
        is_over.set()
        thread.join()
    assert time.monotonic() - start >= 0.2 + LENGTH / SLOWEST
