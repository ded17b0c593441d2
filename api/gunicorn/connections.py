"""A client's connection: its request is received piece by piece, without holding a thread."""

import contextlib
import json
import socket
import time
from io import BytesIO
from typing import Any

from gunicorn.http.body import Body, ChunkedReader, LengthReader
from gunicorn.http.errors import LimitRequestHeaders
from gunicorn.http.message import Request
from gunicorn.http.parser import RequestParser
from gunicorn.http.unreader import Unreader
from gunicorn.workers.gthread import TConn

from api.gunicorn.response_writer import STALLED, ResponseWriter
from api.gunicorn.slow_bodies import CONTINUE, MAX_READ, ExpectedBody, body_seconds

HEAD_SECONDS = 15.0  # for the whole head of a request, and for its first byte on a new connection
MAX_HEAD = 64 << 10
MAX_DISCARDED = 64 << 20  # bytes of a refused body
DISCARDS = 8  # reads in one turn of the event loop
LINGER_STALLED = 2.0  # seconds without a byte, or the end, from a client that was answered
UNREAD_STALLED = 10.0  # the same where the body was not read: the client is still sending it
READ = 64 << 10
_PROBLEM = json.dumps(
    {
        "type": "about:blank",
        "title": "Request Timeout",
        "status": 408,
        "code": "request_timeout",
        "detail": "The request took too long to arrive. Send it again.",
    }
)
TIMED_OUT = (
    "HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n"
    "Content-Type: application/problem+json\r\n"
    f"Content-Length: {len(_PROBLEM)}\r\n\r\n{_PROBLEM}"
).encode()


class _MoreNeeded(Exception):
    """The head of the request is not complete."""


class _Received(Unreader):  # type: ignore[misc]
    """Bytes that have been received; the parser never reads from the socket itself."""

    is_ended = False

    def chunk(self, size_hint: int | None = None) -> bytes:
        """The end of the stream, or _MoreNeeded."""
        if self.is_ended:
            return b""
        raise _MoreNeeded


class _Parser(RequestParser):  # type: ignore[misc]
    """Gunicorn's parser over what has been received; `__next__` gives what `parse` has found."""

    def __init__(self, cfg: Any, client: Any):
        super().__init__(cfg, iter(()), client)
        self.unreader = _Received()
        self._error: Exception | None = None

    def parse(self, head: bytes) -> bool:
        """Whether `head` is complete: then the request, or its error, comes next.

        What follows the head stays in the unreader.
        """
        self.unreader.take_buffered()
        self.unreader.unread(head)
        try:
            self.mesg = Request(self.cfg, self.unreader, self.source_addr, self.req_count + 1)
            self.req_count += 1
        except _MoreNeeded:
            if len(head) <= MAX_HEAD:
                return False
            self._error = LimitRequestHeaders("limit request headers size")
        except Exception as error:  # Gunicorn answers each kind in its own way, see __next__
            self._error = error
        return True

    def __next__(self) -> Any:
        if self._error is not None:
            raise self._error
        return self.mesg


class Connection(TConn):  # type: ignore[misc]
    """One client. `timeout` is when it is given up, as in Gunicorn's own.

    `received` counts the bytes of the request under way that are kept in memory.
    """

    def __init__(self, cfg: Any, sock: Any, client: Any, server: Any):
        super().__init__(cfg, sock, client, server)
        self.sock = ResponseWriter(sock)
        self.parser = _Parser(cfg, client)
        self.initialized = True
        self.started = time.monotonic()
        self.timeout = self.started + HEAD_SECONDS
        self._is_lingering = False
        self._is_unread = False
        self._forget()

    def _forget(self) -> None:
        self._head = b""
        self._request: Any = None
        self._pieces: list[bytes] = []
        self._missing = 0
        self._deadline = 0.0
        self.received = 0
        self.is_expecting = False

    def close_request(self) -> None:
        """The request is over: the next one begins with the bytes that follow it."""
        self._forget()
        self.started = time.monotonic()

    def receive(self, max_body: int, wait: float) -> bool:
        """Take in what has come of the request; return whether it can be served.

        Waits up to `wait` seconds for more; above 0, an expected body is left to the application,
        which then waits for it (`is_expecting`). Bodies above `max_body` bytes and chunked ones are
        left unread: the application refuses them by their headers. Raises OSError when the client
        has left.
        """
        if self._request is None and not self._receive_head(max_body, wait):
            return False
        return self._receive_body(wait)

    def _receive_head(self, max_body: int, wait: float) -> bool:
        came: bytes | None = self.parser.unreader.take_buffered()
        if not self._head and not came:
            self.timeout = self.started + HEAD_SECONDS
        while True:
            came = came or self.sock.receive(READ, wait)
            if came is None:
                return False
            if not self.received:
                self.started = time.monotonic()
                self.timeout = self.started + HEAD_SECONDS
            self.parser.unreader.is_ended = not came
            self._head += came
            self.received = len(self._head)
            if self.parser.parse(self._head):
                self._start_body(max_body, wait > 0)
                return True
            came = None

    def _start_body(self, max_body: int, may_expect: bool) -> None:
        """Decide how the body is received: at once, when the application asks for it, or not."""
        request = self._request = self.parser.mesg
        reader = request.body.reader if request is not None else None
        self._head = b""
        self.started = time.monotonic()
        is_long = isinstance(reader, LengthReader) and reader.length > max_body
        if is_long or isinstance(reader, ChunkedReader):
            self._leave_unread(Body(LengthReader(self.parser.unreader, 0)))
        elif isinstance(reader, LengthReader):
            self._start_known_body(reader.length, may_expect)

    def _start_known_body(self, length: int, may_expect: bool) -> None:
        first = self.parser.unreader.take_buffered()
        self.parser.unreader.unread(first[length:])
        self._keep(first[:length])
        self._missing = length - len(first[:length])
        self._deadline = self.started + body_seconds(length)
        self.timeout = min(self.started + STALLED, self._deadline)
        is_held_back = self._missing and self._request._expected_100_continue
        self._request._expected_100_continue = False
        if is_held_back and may_expect:
            self.is_expecting, self._missing, self._pieces = True, 0, []
            self._leave_unread(ExpectedBody(self.sock, self._request, first, length))
        elif is_held_back:
            self.sock.sendall(CONTINUE)

    def _leave_unread(self, body: Any) -> None:
        """Where the next request would begin is unknown then, so the connection is closed."""
        self._request._expected_100_continue = False
        self._request.force_close()
        self._request.body = body
        self._is_unread = True

    def _keep(self, piece: bytes) -> None:
        if piece:
            self._pieces.append(piece)
        self.received += len(piece)

    def _receive_body(self, wait: float) -> bool:
        while self._missing:
            piece = self.sock.receive(min(self._missing, MAX_READ), wait)
            if piece is None:
                return False
            self.timeout = min(time.monotonic() + STALLED, self._deadline)
            if not piece:
                self._request.force_close()
                break
            self._keep(piece)
            self._missing -= len(piece)
        if self._pieces:
            self._request.body = BytesIO(b"".join(self._pieces))
            self._pieces = []
        return True

    @property
    def is_idle(self) -> bool:
        """Whether it is parked before a request has begun."""
        return not (self.received or self.sock.unsent or self._is_lingering)

    def tell_timeout(self) -> None:
        """Answer a request that takes too long to arrive."""
        self.sock.sendall(TIMED_OUT)

    def start_lingering(self, seconds: float) -> None:
        """Send nothing any more, and discard what comes for at most so long."""
        self._is_lingering = True
        self._linger_until = time.monotonic() + seconds
        self._discarded = 0
        with contextlib.suppress(OSError):
            self.sock.shutdown(socket.SHUT_WR)

    def is_done_lingering(self) -> bool:
        """Discard what has come; return whether the client has closed, or sent too much."""
        for _ in range(DISCARDS):
            if (came := self.sock.receive(MAX_READ)) is None:
                break
            self._discarded += len(came)
            if not came or self._discarded > MAX_DISCARDED:
                return True
        stalled = UNREAD_STALLED if self._is_unread else LINGER_STALLED
        self.timeout = min(time.monotonic() + stalled, self._linger_until)
        return False
