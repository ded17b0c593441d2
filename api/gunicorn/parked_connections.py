"""Connections that wait in the event loop for their client, each until its time-out."""

import contextlib
import selectors
import time
from collections.abc import Callable
from functools import partial

import structlog

from api.gunicorn.connections import Connection

log = structlog.get_logger(__name__)

SWEEP_SECONDS = 0.25
MAX_BUFFERED = 256 << 20  # bytes of incomplete requests and unsent responses in memory


class ParkedConnections:
    """The parked connections. Only the event loop's thread may use them."""

    def __init__(self, drop: Callable[[Connection], None]):
        """Use `drop` to close a connection."""
        self._drop = drop
        self._poller: selectors.BaseSelector | None = None
        self._parked: dict[Connection, int] = {}
        self._swept = 0.0
        self._buffered = 0

    def open(self, poller: selectors.BaseSelector) -> None:
        """Register connections with this poller from now on."""
        self._poller = poller

    def park(
        self, conn: Connection, event: int, then: Callable[[Connection], None], size: int
    ) -> None:
        """Call `then` with the connection once `event` occurs; close it at its time-out.

        `size` is the number of bytes that it keeps in memory. Above MAX_BUFFERED bytes in total,
        the connections whose requests have taken longest are closed. The time-out is checked here
        too: a client that sends single bytes is rarely parked at the moment when `expire` runs.
        """
        assert self._poller is not None
        if conn.timeout <= time.monotonic():
            self._time_out(conn)
            return
        self._poller.register(conn.sock, event, partial(self._wake, conn, then))
        self._parked[conn] = size
        self._buffered += size
        while self._buffered > MAX_BUFFERED:
            self.expire_longest()

    def _wake(self, conn: Connection, then: Callable[[Connection], None], _file: object) -> None:
        if conn not in self._parked:
            return  # closed by an earlier event of the same iteration
        self._unpark(conn)
        try:
            then(conn)
        except Exception:  # such as a connection that was reset
            self._unpark(conn)
            self._drop(conn)

    def _unpark(self, conn: Connection) -> None:
        if conn in self._parked and self._poller is not None:
            self._buffered -= self._parked.pop(conn)
            with contextlib.suppress(OSError, KeyError, ValueError):
                self._poller.unregister(conn.sock)

    def expire(self, is_ending: bool) -> None:
        """Close the connections whose time-out has passed; at shutdown, idle ones too."""
        now = time.monotonic()
        if now - self._swept < SWEEP_SECONDS:
            return
        self._swept = now
        for conn in [each for each in self._parked if each.timeout <= now]:
            self._time_out(conn)
        if is_ending:
            for conn in [each for each in self._parked if each.is_idle]:
                self._time_out(conn)

    def expire_longest(self) -> None:
        """Close the connection whose request or response has taken longest."""
        if self._parked:
            self._time_out(min(self._parked, key=lambda conn: conn.started))

    def _time_out(self, conn: Connection) -> None:
        self._unpark(conn)
        if conn.received:
            with contextlib.suppress(OSError):
                conn.send_timeout()
            log.info("request timed out", received=conn.received)
        self._drop(conn)
