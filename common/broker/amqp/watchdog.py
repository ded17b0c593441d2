"""Notices a connection on which nothing arrives any more, not even the broker's heartbeats.

pika looks only every `heartbeat + 5` seconds whether anything came since its last look, so it may
take twice as long to notice.
"""

import time
from collections.abc import Callable

from pika.adapters.select_connection import IOLoop
from pika.connection import Connection

PATIENCE = 1.3  # heartbeat intervals without a byte; the broker sends two in each
LOOK_EVERY = 1.0  # seconds


class Watchdog:
    """Watches one open connection from the loop's own thread; `bark` is called once."""

    def __init__(
        self, loop: IOLoop, connection: Connection, heartbeat: float, bark: Callable[[str], None]
    ):
        self._loop = loop
        self._connection = connection
        self._patience = PATIENCE * heartbeat
        self._bark = bark
        self._received = connection.bytes_received
        self._since = time.monotonic()
        if heartbeat:
            self._loop.call_later(LOOK_EVERY, self._look)

    def _look(self) -> None:
        if not self._connection.is_open:
            return
        at = time.monotonic()
        if self._connection.bytes_received != self._received:
            self._received, self._since = self._connection.bytes_received, at
        elif at - self._since >= self._patience:
            self._bark(f"nothing received for {self._patience:.0f} s")
            return
        self._loop.call_later(LOOK_EVERY, self._look)
