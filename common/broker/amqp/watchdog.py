"""Detects a connection on which nothing arrives, not even the broker's heartbeats.

pika checks only every `heartbeat + 5` seconds whether data has arrived since its last check, so it
may take twice as long to notice.
"""

import time
from collections.abc import Callable

from pika.adapters.select_connection import IOLoop
from pika.connection import Connection

PATIENCE = 1.3  # heartbeat intervals without data; the broker sends two heartbeats in each
CHECK_PERIOD = 1.0  # seconds


class Watchdog:
    """Watches one open connection in the loop's own thread; `on_silence` is called once."""

    def __init__(
        self,
        loop: IOLoop,
        connection: Connection,
        heartbeat: float,
        on_silence: Callable[[str], None],
    ):
        self._loop = loop
        self._connection = connection
        self._patience = PATIENCE * heartbeat
        self._on_silence = on_silence
        self._received = connection.bytes_received
        self._since = time.monotonic()
        if heartbeat:
            self._loop.call_later(CHECK_PERIOD, self._check)

    def _check(self) -> None:
        if not self._connection.is_open:
            return
        at = time.monotonic()
        if self._connection.bytes_received != self._received:
            self._received, self._since = self._connection.bytes_received, at
        elif at - self._since >= self._patience:
            self._on_silence(f"nothing received for {self._patience:.0f} s")
            return
        self._loop.call_later(CHECK_PERIOD, self._check)
