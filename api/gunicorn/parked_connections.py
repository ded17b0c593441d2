"""Connections that wait in the event loop until the client is ready, each up to its deadline."""

import contextlib
import selectors
import time
from collections.abc import Callable
from functools import partial

import structlog

from api.gunicorn.connections import Connection

log = structlog.get_logger(__name__)

SWEEP_SECONDS = 0.25


class ParkedConnections:
    """The parked connections; used from the event loop's thread alone.

    `held` counts the bytes of incomplete requests, and of unsent answers, in memory.
    """

    def __init__(self, drop: Callable[[Connection], None]):
        """`drop` closes a connection."""
        self._drop = drop
        self._poller: selectors.BaseSelector | None = None
        self._parked: dict[Connection, int] = {}
        self._swept = 0.0
        self.held = 0

    def open(self, poller: selectors.BaseSelector) -> None:
        """Use this poller from now on."""
        self._poller = poller

    def park(
        self, conn: Connection, event: int, then: Callable[[Connection], None], held: int
    ) -> None:
        """Call `then` with the connection once `event` is there, unless its time-out comes first.

        `held` is how many bytes it keeps in memory. A client that sends a
        byte now and then is seldom parked when `expire` looks, so the time-out is looked at here.
        """
        assert self._poller is not None
        if conn.timeout <= time.monotonic():
            self._give_up(conn)
            return
        self._poller.register(conn.sock, event, partial(self._wake, conn, then))
        self._parked[conn] = held
        self.held += held

    def _wake(self, conn: Connection, then: Callable[[Connection], None], _file: object) -> None:
        if conn not in self._parked:
            return  # closed by an event that came in the same turn
        self._unpark(conn)
        try:
            then(conn)
        except Exception:  # such as a connection that was reset
            self._unpark(conn)
            self._drop(conn)

    def _unpark(self, conn: Connection) -> None:
        if conn in self._parked and self._poller is not None:
            self.held -= self._parked.pop(conn)
            with contextlib.suppress(OSError, KeyError, ValueError):
                self._poller.unregister(conn.sock)

    def expire(self, is_ending: bool) -> None:
        """Give up the connections whose time is over; at the process's end, idle ones too."""
        now = time.monotonic()
        if now - self._swept < SWEEP_SECONDS:
            return
        self._swept = now
        for conn in [each for each in self._parked if each.timeout <= now]:
            self._give_up(conn)
        if is_ending:
            for conn in [each for each in self._parked if each.is_idle]:
                self._give_up(conn)

    def expire_longest(self) -> None:
        """Give up the connection whose request, or answer, has been under way for longest."""
        if self._parked:
            self._give_up(min(self._parked, key=lambda conn: conn.started))

    def _give_up(self, conn: Connection) -> None:
        self._unpark(conn)
        if conn.received:
            with contextlib.suppress(OSError):
                conn.tell_timeout()
            log.info("request timed out", received=conn.received)
        self._drop(conn)
