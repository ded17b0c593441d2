"""The sending side of a connection, which buffers responses to slow clients."""

import errno
import select
import socket
import time
from collections import deque
from typing import Any

STALLED = 30.0  # seconds without progress after which a client counts as disconnected
SLOWEST = 50_000  # minimum speed of a client in bytes per second
MAX_UNSENT = 16 << 20  # bytes that one connection may buffer


class ResponseWriter:
    """A socket whose `sendall` buffers what the client does not accept at once, for `flush`.

    All other attributes are the socket's.
    """

    def __init__(self, sock: socket.socket):
        self._sock = sock
        self._unsent: deque[memoryview] = deque()
        self.unsent = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sock, name)

    def sendall(self, data: bytes) -> None:
        """Send or buffer all of `data`; wait for the client only above MAX_UNSENT bytes.

        Raises ConnectionResetError if the client then accepts nothing for STALLED seconds, or is
        slower than SLOWEST.
        """
        deadline = time.monotonic() + STALLED + len(data) / SLOWEST
        if data:
            self._unsent.append(memoryview(data))
            self.unsent += len(data)
            self.flush()
        while self.unsent > MAX_UNSENT:
            left = min(STALLED, deadline - time.monotonic())
            if left <= 0 or not is_ready(self._sock, select.POLLOUT, left):
                raise ConnectionResetError(errno.ECONNRESET, "the client stopped reading")
            self.flush()

    def flush(self) -> bool:
        """Send as much as the client accepts now; return whether nothing is left to send."""
        while self._unsent:
            try:
                sent = self._sock.send(self._unsent[0], socket.MSG_DONTWAIT)
            except (BlockingIOError, InterruptedError):
                return False
            self.unsent -= sent
            if sent < len(self._unsent[0]):
                self._unsent[0] = self._unsent[0][sent:]
            else:
                self._unsent.popleft()
        return True

    def receive(self, size: int, wait: float = 0.0) -> bytes | None:
        """Return at most `size` received bytes, or b"" at the end of the stream.

        Returns None if nothing arrives within `wait` seconds.
        """
        try:
            return self._sock.recv(size, socket.MSG_DONTWAIT)
        except (BlockingIOError, InterruptedError):
            if wait <= 0 or not is_ready(self._sock, select.POLLIN, wait):
                return None
        return self.receive(size)

    def is_readable(self, wait: float) -> bool:
        """Return whether data, or the end of the stream, arrives within `wait` seconds."""
        return is_ready(self._sock, select.POLLIN, wait)

    def setblocking(self, flag: bool) -> None:
        """Do nothing: no method depends on the socket's mode, and changing it is a system call."""


def is_ready(sock: socket.socket, event: int, seconds: float) -> bool:
    """Return whether the event of `select.poll` occurs within `seconds`."""
    poll = select.poll()
    poll.register(sock, event)
    return bool(poll.poll(seconds * 1000))
