"""A client's connection, which receives its request in pieces without holding a thread."""

import contextlib
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

from api.gunicorn.refusals import TIMED_OUT
from api.gunicorn.response_writer import STALLED, ResponseWriter
from api.gunicorn.slow_bodies import CONTINUE, MAX_READ, ExpectedBody, body_seconds

HEAD_SECONDS = 15.0  # for a request's head, and for the first byte on a new connection
MAX_HEAD = 64 << 10  # bytes
MAX_DISCARDED = 64 << 20  # bytes of a refused body
MAX_DISCARDS = 8  # reads per iteration of the event loop
LINGER_STALLED = 2.0  # seconds without data after the response, until the connection is closed
UNREAD_STALLED = 10.0  # the same if the body was not read: the client may still be sending it
READ_BYTES = 8 << 10  # of a head; bytes of the body that come with it are copied several times


class _IncompleteHead(Exception):
    """The head of the request is not complete."""


class _Buffer(Unreader):  # type: ignore[misc]
    """The received bytes. The parser reads from here and never from the socket."""

    is_ended = False

    def chunk(self, size_hint: int | None = None) -> bytes:
        """Return b"" at the end of the stream; otherwise raise _IncompleteHead."""
        if self.is_ended:
            return b""
        raise _IncompleteHead


class _Parser(RequestParser):  # type: ignore[misc]
    """Gunicorn's parser over received bytes; `__next__` returns the request of the last `parse`."""

    def __init__(self, cfg: Any, client: Any):
        super().__init__(cfg, iter(()), client)
        self.unreader = _Buffer()
        self._error: Exception | None = None

    def parse(self, head: bytes) -> bool:
        """Return whether `head` is complete; `__next__` then returns its request or raises.

        Bytes after the head stay in the unreader.
        """
        self.unreader.take_buffered()
        self.unreader.unread(head)
        try:
            self.mesg = Request(self.cfg, self.unreader, self.source_addr, self.req_count + 1)
            self.req_count += 1
        except _IncompleteHead:
            if len(head) <= MAX_HEAD:
                return False
            self._error = LimitRequestHeaders("limit request headers size")
        except Exception as error:  # raised in __next__: Gunicorn chooses the response by its type
            self._error = error
        return True

    def __next__(self) -> Any:
        if self._error is not None:
            raise self._error
        return self.mesg


class Connection(TConn):  # type: ignore[misc]
    """One client's connection. `timeout` is the time at which it is closed, as in Gunicorn's TConn.

    `received` is the number of bytes of the current request in memory.
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
        self._reset()

    def _reset(self) -> None:
        self._head = b""
        self._request: Any = None
        self._pieces: list[bytes] = []
        self._missing = 0
        self._deadline = 0.0
        self.received = 0
        self.is_expecting = False

    def close_request(self) -> None:
        """End the current request. The next one begins with the bytes that follow it."""
        self._reset()
        self.started = time.monotonic()

    def is_followed(self, wait: float) -> bool:
        """End the current request, and return whether the next one, or the end of the stream,
        arrives within `wait` seconds. False too if the response is not sent yet.
        """
        self.close_request()
        return not self.sock.unsent and self.sock.is_readable(wait)

    def receive(self, max_body: int, wait: float) -> bool:
        """Receive the available bytes of the request; return whether it can be served.

        Waits up to `wait` seconds for more bytes. If `wait` is above 0, a body with
        `Expect: 100-continue` is left to the application, which then waits for it
        (`is_expecting`). Bodies above `max_body` bytes and chunked bodies are left unread: the
        application refuses them by their headers. Raises OSError if the client has disconnected.
        """
        if self._request is None and not self._receive_head(max_body, wait):
            return False
        return self._receive_body(wait)

    def _receive_head(self, max_body: int, wait: float) -> bool:
        data: bytes | None = self.parser.unreader.take_buffered()
        if not self._head and not data:
            self.timeout = self.started + HEAD_SECONDS
        while True:
            data = data or self.sock.receive(READ_BYTES, wait)
            if data is None:
                return False
            if not self.received:
                self.started = time.monotonic()
                self.timeout = self.started + HEAD_SECONDS
            self.parser.unreader.is_ended = not data
            self._head += data
            self.received = len(self._head)
            if self.parser.parse(self._head):
                self._start_body(max_body, wait > 0)
                return True
            data = None

    def _start_body(self, max_body: int, may_expect: bool) -> None:
        """Decide whether the body is received now, when the application reads it, or never."""
        request = self._request = self.parser.mesg
        reader = request.body.reader if request is not None else None
        self._head = b""
        self.started = time.monotonic()
        is_long = isinstance(reader, LengthReader) and reader.length > max_body
        if is_long or isinstance(reader, ChunkedReader):
            self._leave_unread(Body(LengthReader(self.parser.unreader, 0)))
        elif isinstance(reader, LengthReader):
            self._start_sized_body(reader.length, may_expect)

    def _start_sized_body(self, length: int, may_expect: bool) -> None:
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
        """Leave the body to `body`, and close the connection after the response.

        The start of the next request cannot be found behind an unread body.
        """
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
        """Whether no request has begun and no response is pending."""
        return not (self.received or self.sock.unsent or self._is_lingering)

    def send_timeout(self) -> None:
        """Send 408 for a request that took too long to arrive."""
        self.sock.sendall(TIMED_OUT)

    def start_lingering(self, seconds: float) -> None:
        """Shut down the sending side, and discard received bytes for at most `seconds`."""
        self._is_lingering = True
        self._linger_until = time.monotonic() + seconds
        self._discarded = 0
        with contextlib.suppress(OSError):
            self.sock.shutdown(socket.SHUT_WR)

    def is_done_lingering(self) -> bool:
        """Discard received bytes; return whether the client has closed or has sent too many."""
        for _ in range(MAX_DISCARDS):
            if (data := self.sock.receive(MAX_READ)) is None:
                break
            self._discarded += len(data)
            if not data or self._discarded > MAX_DISCARDED:
                return True
        stalled = UNREAD_STALLED if self._is_unread else LINGER_STALLED
        self.timeout = min(time.monotonic() + stalled, self._linger_until)
        return False
