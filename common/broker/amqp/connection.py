"""A link: a thread that keeps a connection with one channel open permanently.

Every kind of failure is handled in the same way: drop the connection, wait a little, connect again,
and let the owner set up its channel again.
"""

import random
import threading
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import structlog
from pika import SelectConnection, URLParameters
from pika.adapters.select_connection import IOLoop
from pika.channel import Channel
from pika.connection import Connection
from pika.exceptions import AMQPError

from common.broker.amqp.reasons import describe
from common.broker.amqp.watchdog import Watchdog
from common.errors import SettingsError
from common.threads import lasting_thread

log = structlog.get_logger(__name__)

DEFAULTS = {
    "socket_timeout": "2",
    "stack_timeout": "5",
    "heartbeat": "10",
    "tcp_options": "{'TCP_USER_TIMEOUT': 15000}",  # ms that sent data may be unacknowledged
    "blocked_connection_timeout": "30",
    "connection_attempts": "1",
}
SETUP_SECONDS = 10.0
FIRST_RETRY_SECONDS = 0.1
LAST_RETRY_SECONDS = 5.0
STEADY_SECONDS = 1.0
CLOSE_SECONDS = 2.0


def parse(url: str) -> URLParameters:
    """Return connection parameters from an AMQP URL; its query may override DEFAULTS.

    Raises SettingsError, which never contains the URL because of its password.
    """
    try:
        parts = urlsplit(url)
        query = urlencode(DEFAULTS | dict(parse_qsl(parts.query)))
        return URLParameters(urlunsplit(parts._replace(query=query)))
    except (ValueError, TypeError):
        raise SettingsError(
            "BROKER_URL is not a valid AMQP URL; expected "
            "amqp://user:password@host:port/vhost, with every special character %-encoded."
        ) from None


class Link:
    """Keeps a channel open. `opened` and `lost` are called in the link's thread.

    `opened(channel)` sets up the channel and calls `ready()` when the broker has answered its last
    request. `lost()` is called after each lost connection and after each failed attempt.
    """

    def __init__(
        self,
        parameters: URLParameters,
        name: str,
        opened: Callable[[Channel], None],
        lost: Callable[[], None],
        quiet: bool = False,
    ):
        self._parameters = parameters
        self._opened = opened
        self._lost = lost
        self._log = log.bind(link=name, broker=f"{parameters.host}:{parameters.port}")
        self._quiet = quiet
        self._loop = IOLoop()
        self._connection: SelectConnection | None = None
        self._setup_timer: Any = None
        self._retry_timer: Any = None
        self._order = threading.Lock()
        self._settled = threading.Event()
        self._up_since: float | None = None
        self._attempts = 0
        self.closed = False
        self._thread = lasting_thread(f"amqp-{name}", self._run)
        self.reason = ""

    def start(self) -> None:
        """Start to connect; the owner must be ready for callbacks."""
        self._retry_timer = self._loop.call_later(0, self._connect)
        self._thread.start()

    def is_up(self, timeout: float = 0.0) -> bool:
        """Return whether the channel is open; waits only for the outcome of the first attempt."""
        return self._settled.wait(timeout) and self._up_since is not None

    def call(self, callback: Callable[[], None]) -> None:
        """Run a callback in the link's thread, in order, unless the link is closed."""
        with self._order:
            if not self.closed:
                self._loop.add_callback_threadsafe(callback)

    def call_later(self, seconds: float, callback: Callable[[], None]) -> None:
        """Run a callback after `seconds`. Only from the link's own thread."""
        self._loop.call_later(seconds, callback)

    def ready(self) -> None:
        """Note that the owner's channel is set up."""
        if self._up_since is not None:
            return
        self._cancel_setup_timer()
        self._up_since = time.monotonic()
        self._settled.set()
        if not self._quiet:
            self._log.info("connected to the broker")
        self.reason = ""

    def drop(self, reason: str) -> None:
        """Treat the connection as lost. Only from the link's own thread."""
        self._terminate(AMQPError(reason))

    def begin_close(self) -> None:
        """Close without waiting; callbacks passed to `call` before still run."""
        with self._order:
            if not self.closed:
                self.closed = True
                self._loop.add_callback_threadsafe(self._close)

    def close(self) -> None:
        """Close the connection and end the thread, within 3 s."""
        self.begin_close()
        if self._thread is not threading.current_thread():
            self._thread.join(CLOSE_SECONDS + 0.5)

    def _run(self) -> None:
        while True:
            try:
                self._loop.start()
                break
            except Exception:
                if self.closed:  # pika fails on a connection that is closed while it opens
                    break
                self._log.exception("an error in the link's thread; connecting again")
                self._recover()
        self._give_up()
        self._loop.close()

    def _recover(self) -> None:
        if self._connection is None:
            self._connect_later()
        else:
            self.drop("an error in the link's thread")

    def _connect_later(self) -> None:
        if self._retry_timer is None:
            self._retry_timer = self._loop.call_later(self._pause(), self._connect)

    def _connect(self) -> None:
        self._retry_timer = None
        self._connection = SelectConnection(
            self._parameters,
            on_open_callback=self._on_open,
            on_open_error_callback=self._on_lost,
            on_close_callback=self._on_lost,
            custom_ioloop=self._loop,
        )

    def _on_open(self, connection: Connection) -> None:
        self._setup_timer = self._loop.call_later(SETUP_SECONDS, self._setup_is_late)
        channel = connection.channel(on_open_callback=self._opened)
        channel.add_on_close_callback(self._on_channel_closed)
        Watchdog(self._loop, connection, self._parameters.heartbeat or 0, self.drop)

    def _on_channel_closed(self, channel: Channel, reason: Exception) -> None:
        if channel.connection.is_open:
            self._terminate(reason)

    def _terminate(self, reason: Exception) -> None:
        """Close the socket without the closing handshake, which a frozen broker never answers.

        pika has no public method for that. An attempt to connect ends by its own time limits.
        """
        connection = self._connection
        if connection is not None and (connection.is_open or connection.is_closing):
            connection._terminate_stream(reason)

    def _setup_is_late(self) -> None:
        self.drop(f"the broker did not answer within {SETUP_SECONDS:.0f} s")

    def _cancel_setup_timer(self) -> None:
        if self._setup_timer is not None:
            self._loop.remove_timeout(self._setup_timer)
            self._setup_timer = None

    def _on_lost(self, _connection: Connection, error: BaseException) -> None:
        self._connection = None
        self._cancel_setup_timer()
        if self.closed:
            self._loop.stop()
            return
        if self._up_since is not None and time.monotonic() - self._up_since > STEADY_SECONDS:
            self._attempts = 0
        self._report(describe(error))
        self._give_up()
        self._connect_later()

    def _give_up(self) -> None:
        self._up_since = None
        self._lost()
        self._settled.set()

    def _report(self, reason: str) -> None:
        """Log one line per lost connection, and one when the reason changes while the broker is
        unavailable.
        """
        if reason != self.reason and not self._quiet:
            self._log.warning(
                "the broker is unavailable; connecting again until it responds", why=reason
            )
        self.reason = reason

    def _pause(self) -> float:
        """Return an exponential backoff with jitter, so that many clients do not reconnect at the
        same time.
        """
        pause = min(FIRST_RETRY_SECONDS * 2.0**self._attempts, LAST_RETRY_SECONDS)
        self._attempts = min(self._attempts + 1, 16)
        return pause * random.uniform(0.5, 1.0)

    def _close(self) -> None:
        if self._connection is None:
            self._loop.stop()
        elif not self._connection.is_closing:
            self._loop.call_later(CLOSE_SECONDS, lambda: self.drop("closing took too long"))
            self._connection.close()
