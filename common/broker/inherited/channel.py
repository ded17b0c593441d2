"""One end of the socket pair between a parent and its child, as a channel of tuples.

Both ends run the same code, so the tuples are pickled by `multiprocessing.connection`.
"""

import contextlib
import socket
from multiprocessing.connection import Connection
from typing import Any

Frame = tuple[Any, ...]


class Channel:
    """Sends and receives tuples. One thread may receive while another one sends."""

    def __init__(self, end: socket.socket):
        self._socket = end
        self._connection = Connection(end.dup().detach())

    def send(self, frame: Frame) -> None:
        """Send a tuple; waits while the other side reads nothing. Raises OSError at the end."""
        self._connection.send(frame)

    def receive(self) -> Frame:
        """Wait for the next tuple. Raises OSError when either side has ended the channel."""
        try:
            frame: Frame = self._connection.recv()
        except EOFError as error:
            raise ConnectionResetError from error
        return frame

    def end(self) -> None:
        """End the channel for both sides, and wake the threads that use it."""
        with contextlib.suppress(OSError):  # it has ended already
            self._socket.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Free the descriptors; call it once no thread uses the channel."""
        self._connection.close()
        self._socket.close()
