"""Clients that send slowly, or take their answers slowly: others are served, and they are ended."""

import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from http.client import HTTPResponse
from urllib.parse import urlsplit

import pytest

from tests.support.http.raw import JPEG, exchange, request
from tests.support.images.pictures import encode, picture
from tests.support.services.idle_api import only_api
from tests.support.services.processes import Running

pytestmark = pytest.mark.faults

THREADS = 4
SLOW = 3 * THREADS
HEAD = b"POST /v1/images HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/jpeg\r\n"
SOON = 3.0  # seconds in which others are answered


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with only_api(tmp_path_factory.mktemp("slow"), WEB_THREADS=str(THREADS)) as running:
        yield running


def connect(url: str, data: bytes = b"", **options: int) -> socket.socket:
    """A connection on which `data` was sent; `receive` limits its receive buffer in bytes."""
    address = urlsplit(url)
    sock = socket.socket()
    if options:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, options["receive"])
    sock.settimeout(60)
    sock.connect((address.hostname, address.port))
    sock.sendall(data)
    return sock


def jpeg() -> bytes:
    return encode(picture("RGB", (64, 48)), "JPEG")


def others_are_served(url: str) -> None:
    """A status and an upload, each from a new connection, within SOON."""
    for asked in (request("GET", "/healthz"), request("POST", "/v1/images", JPEG, jpeg())):
        began = time.monotonic()
        assert exchange(url, asked).status in (200, 201)
        assert time.monotonic() - began < SOON


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"GET /healthz HTTP/1.1\r\nHo",
        HEAD + b"Content-Length: 500000\r\n\r\n",
        HEAD + b"Content-Length: 500000\r\nExpect: 100-continue\r\n\r\n",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\nab",
        HEAD + b"Content-Length: 60000000\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n",
    ],
    ids=["silent", "head", "body", "expected", "chunked", "too large", "idle"],
)
def test_slow_senders_hold_no_thread(api: Running, sent: bytes) -> None:
    with ExitStack() as stack:
        slow = [stack.enter_context(connect(api.base_url, sent)) for _ in range(SLOW)]
        stopped = threading.Event()

        def drip() -> None:
            while not stopped.wait(0.2):
                for sock in slow:
                    with contextlib.suppress(OSError):
                        sock.send(b"x")

        if b"HTTP/1.1\r\nHost: localhost\r\n\r\n" not in sent:
            thread = threading.Thread(target=drip)
            stack.callback(thread.join)
            stack.callback(stopped.set)
            thread.start()
        time.sleep(0.5)
        others_are_served(api.base_url)


def test_slow_readers_hold_no_thread(api: Running) -> None:
    large = encode(picture("RGB", (1500, 1500)), "BMP")  # more than the kernel buffers
    posted = request("POST", "/v1/images", {"Content-Type": "image/bmp"}, large)
    id = exchange(api.base_url, posted).json()["id"]
    asked = request("GET", f"/v1/images/{id}/content")
    with ExitStack() as stack:
        slow = [
            stack.enter_context(connect(api.base_url, asked, receive=4096)) for _ in range(SLOW)
        ]
        time.sleep(1)
        others_are_served(api.base_url)
        # Whoever reads in the end gets all of it.
        data = b"".join(iter(lambda: slow[0].recv(1 << 16), b""))
        assert len(data.partition(b"\r\n\r\n")[2]) == len(exchange(api.base_url, asked).body)


def test_a_head_that_takes_too_long_is_ended(api: Running) -> None:
    began = time.monotonic()
    with connect(api.base_url, b"GET /healthz HTTP/1.1\r\nX: ") as sock:
        sock.settimeout(0.5)
        answer = b""
        while time.monotonic() - began < 30:
            with contextlib.suppress(TimeoutError):
                answer = sock.recv(4096)
                break
            sock.send(b"a")  # a byte now and then does not help
        assert answer.startswith(b"HTTP/1.1 408 ")
        assert b"request_timeout" in answer
    assert 10 < time.monotonic() - began < 20


def test_a_silent_connection_is_closed(api: Running) -> None:
    with connect(api.base_url) as sock:
        assert sock.recv(100) == b""


def test_a_body_that_comes_in_pieces_arrives(api: Running) -> None:
    body = jpeg()
    head = request("POST", "/v1/images", JPEG | {"Content-Length": str(len(body))})
    with connect(api.base_url) as sock:
        for piece in (head[:30], head[30:], body[:1], body[1:200], body[200:]):
            sock.sendall(piece)
            time.sleep(0.3)
        assert sock.recv(100).startswith(b"HTTP/1.1 201 ")


def test_pipelined_requests_are_answered_in_order(api: Running) -> None:
    body = jpeg()
    first = HEAD + b"Content-Length: %d\r\n\r\n" % len(body) + body
    second = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
    last = b"GET /nope HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    with connect(api.base_url, first + second + last[:10]) as sock:
        time.sleep(0.5)
        sock.sendall(last[10:])
        data = b"".join(iter(lambda: sock.recv(1 << 16), b""))
    lines = [line for line in data.split(b"\r\n") if b"HTTP/1.1 " in line]
    statuses = [line.split(b"HTTP/1.1 ")[1][:3] for line in lines]
    assert statuses == [b"201", b"200", b"404"]


def test_a_half_closed_client_is_answered(api: Running) -> None:
    assert exchange(api.base_url, request("GET", "/healthz"), half_close=True).status == 200
    cut = request("POST", "/v1/images", JPEG | {"Content-Length": "1000"}) + b"x"
    answer = exchange(api.base_url, cut, half_close=True)
    assert (answer.status, answer.json()["code"]) == (400, "body_incomplete")


def test_a_too_large_body_is_refused_before_it_is_sent(api: Running) -> None:
    for extra in (b"", b"Expect: 100-continue\r\n"):
        began = time.monotonic()
        with connect(api.base_url, HEAD + extra + b"Content-Length: 60000000\r\n\r\n") as sock:
            assert sock.recv(4096).startswith(b"HTTP/1.1 413 ")
        assert time.monotonic() - began < 1


def test_an_expected_body_is_asked_for_once_and_only_where_it_is_wanted(api: Running) -> None:
    expecting = b"Expect: 100-continue\r\nContent-Length: 5\r\n\r\n"
    with connect(api.base_url, HEAD + expecting) as sock:
        assert sock.recv(4096) == b"HTTP/1.1 100 Continue\r\n\r\n"
        sock.sendall(b"abcde")
        time.sleep(0.5)
        assert sock.recv(4096).startswith(b"HTTP/1.1 415 ")
        sock.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")  # it stays open
        time.sleep(0.5)
        assert b"HTTP/1.1 200 " in sock.recv(4096)
    refused = HEAD.replace(b"/v1/images", b"/v1/nope") + expecting
    with connect(api.base_url, refused) as sock:
        assert sock.recv(4096).startswith(b"HTTP/1.1 404 ")


def test_many_idle_connections_make_room_for_others(api: Running) -> None:
    with ExitStack() as stack:
        for _ in range(1100):  # more than one process keeps
            stack.enter_context(connect(api.base_url))
        others_are_served(api.base_url)


def ask_without_pause(url: str, is_over: threading.Event) -> None:
    """Send a request on one connection as soon as the last one is answered."""
    asked = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
    with connect(url) as sock, contextlib.suppress(OSError):
        while not is_over.is_set():
            sock.sendall(asked)
            response = HTTPResponse(sock)
            response.begin()
            response.read()


def test_clients_that_ask_without_pause_leave_threads_to_others(api: Running) -> None:
    is_over = threading.Event()
    with ThreadPoolExecutor(SLOW) as clients:
        for _ in range(SLOW):
            clients.submit(ask_without_pause, api.base_url, is_over)
        try:
            for _ in range(5):
                others_are_served(api.base_url)
        finally:
            is_over.set()
