"""A message sent through the broker and received again, over the connections that exist anyway."""

import os
import threading
from collections.abc import Callable

from common.broker import BrokerUnavailable

MARK = b"?"  # an event with ids has a length that 16 divides; this one has 17 bytes
LENGTH = 17


class BrokerProbe:
    """Sends events of its own and recognises them when the subscription receives them."""

    def __init__(self, send: Callable[[bytes], None]):
        """`send` broadcasts an event and returns at once."""
        self._send = send
        self._lock = threading.Lock()
        self._awaited: dict[bytes, threading.Event] = {}

    def require(self, seconds: float) -> None:
        """Raises BrokerUnavailable when a message does not come back within so many seconds."""
        body = MARK + os.urandom(LENGTH - len(MARK))
        heard = threading.Event()
        with self._lock:
            self._awaited[body] = heard
        try:
            self._send(body)
            if not heard.wait(seconds):
                raise BrokerUnavailable(
                    f"The message broker did not pass on a message within {seconds:.0f} s."
                )
        finally:
            with self._lock:
                del self._awaited[body]

    def hear(self, body: bytes) -> bool:
        """Whether the event is an echo, of this process or of another one."""
        if len(body) != LENGTH or not body.startswith(MARK):
            return False
        with self._lock:
            heard = self._awaited.get(body)
        if heard is not None:
            heard.set()
        return True
