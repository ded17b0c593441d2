"""Checks the broker by a message that it must send back, over the existing connections."""

import os
import threading
from collections.abc import Callable

from common.broker import BrokerUnavailable

MARK = b"?"  # an event with ids has a length that 16 divides; this one has 17 bytes
LENGTH = 17


class BrokerProbe:
    """Broadcasts probe events and recognises them when the subscription receives them."""

    def __init__(self, send: Callable[[bytes], None]):
        """Store `send`, which broadcasts an event and returns at once."""
        self._send = send
        self._lock = threading.Lock()
        self._awaited: dict[bytes, threading.Event] = {}

    def require(self, seconds: float) -> None:
        """Return once a probe has come back; raises BrokerUnavailable after `seconds`."""
        body = MARK + os.urandom(LENGTH - len(MARK))
        returned = threading.Event()
        with self._lock:
            self._awaited[body] = returned
        try:
            self._send(body)
            if not returned.wait(seconds):
                raise BrokerUnavailable(
                    f"The message broker did not return a message within {seconds:.0f} s."
                )
        finally:
            with self._lock:
                del self._awaited[body]

    def hear(self, body: bytes) -> bool:
        """Return whether the event is a probe, and wake the check that sent it."""
        if len(body) != LENGTH or not body.startswith(MARK):
            return False
        with self._lock:
            returned = self._awaited.get(body)
        if returned is not None:
            returned.set()
        return True
