"""Bodies that clients hold back, or send slowly."""

import time
from io import RawIOBase
from typing import Any

from werkzeug.exceptions import RequestTimeout

from api.gunicorn.response_writer import SLOWEST, STALLED, ResponseWriter

BODY_SECONDS = 30.0  # for a body, on top of the time that it takes at SLOWEST
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
MAX_READ = 1 << 20


def body_seconds(length: int) -> float:
    """How long a body of `length` bytes may take."""
    return BODY_SECONDS + length / SLOWEST


class ExpectedBody(RawIOBase):
    """A body that the client sends once it is told to go on (`Expect: 100-continue`).

    It is told so, and the body is received, when the application first reads.
    """

    def __init__(self, sock: ResponseWriter, request: Any, first: bytes, length: int):
        """`first` is what has come of the `length` bytes already."""
        super().__init__()
        self._sock, self._request = sock, request
        self._pieces, self._missing = [first], length - len(first)
        self._rest: memoryview | None = None
        self._deadline = time.monotonic() + body_seconds(length)

    def readable(self) -> bool:
        """As a file that is open for reading."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill `buffer` as far as the body goes; raises RequestTimeout for a slow client."""
        if self._rest is None:
            self._receive()
            self._rest = memoryview(b"".join(self._pieces))
        size = min(len(buffer), len(self._rest))
        buffer[:size] = self._rest[:size]
        self._rest = self._rest[size:]
        return size

    def _receive(self) -> None:
        self._sock.sendall(CONTINUE)
        while self._missing:
            left = min(STALLED, self._deadline - time.monotonic())
            piece = self._sock.receive(min(self._missing, MAX_READ), left)
            if piece is None:
                raise RequestTimeout("The body took too long to arrive.")
            if not piece:
                return
            self._pieces.append(piece)
            self._missing -= len(piece)
        self._request.must_close = False  # the next request begins where this one ended
