"""Time limits of bodies, and bodies with `Expect: 100-continue`."""

import time
from io import RawIOBase
from typing import Any

from werkzeug.exceptions import RequestTimeout

from api.gunicorn.response_writer import SLOWEST, STALLED, ResponseWriter

BODY_SECONDS = 30.0  # for a body, in addition to its duration at SLOWEST
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
MAX_READ = 1 << 20


def body_seconds(length: int) -> float:
    """Return the seconds within which a body of `length` bytes must arrive."""
    return BODY_SECONDS + length / SLOWEST


class ExpectedBody(RawIOBase):
    """A body that the client sends after `100 Continue` (`Expect: 100-continue`).

    The first read of the application sends `100 Continue` and receives the body.
    """

    def __init__(self, sock: ResponseWriter, request: Any, first: bytes, length: int):
        """Begin with `first`, the bytes of the body that have been received already."""
        super().__init__()
        self._sock, self._request = sock, request
        self._pieces, self._missing = [first], length - len(first)
        self._rest: memoryview | None = None
        self._deadline = time.monotonic() + body_seconds(length)

    def readable(self) -> bool:
        """Return True: io.RawIOBase requires it of readable files."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill `buffer` from the body; return the number of bytes. Raises RequestTimeout."""
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
                raise RequestTimeout(
                    "The body did not arrive within the time limit. Send it again."
                )
            if not piece:
                return
            self._pieces.append(piece)
            self._missing -= len(piece)
        self._request.must_close = False  # the body is read: the next request may follow
