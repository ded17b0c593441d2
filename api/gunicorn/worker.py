"""Gunicorn's threaded worker with an event loop that waits for slow clients.

A thread serves a request after all of it has been received. If the client is slow to read the
response, the event loop sends the rest of it. Connections of clients that are too slow are closed.
Connections with Gunicorn's own TLS, which this project does not configure, are left to Gunicorn.
"""

import contextlib
import errno
import select
import selectors
import signal
import threading
import time
from functools import partial
from typing import Any

from gunicorn.errors import AppImportError
from gunicorn.workers import gthread
from gunicorn.workers.gthread import ThreadWorker

from api.gunicorn.connections import Connection
from api.gunicorn.parked_connections import ParkedConnections
from api.gunicorn.refusals import refusal
from api.gunicorn.response_writer import is_ready
from api.gunicorn.slow_bodies import body_seconds
from api.gunicorn.thread_pool import ThreadPool
from common.errors import SettingsError

DEFER = object()  # returned by `handle` while the request is incomplete
SHORT_WAIT = 0.1  # seconds that a thread may wait for more of a request
NEXT_WAIT = 0.02  # seconds that it may wait for the next request of the same connection
WAITING_SHARE = 4  # 1/WAITING_SHARE of the threads may wait for the rest of a request or the next
LINGER_SECONDS = 30.0  # for the rest of an unread body
DEFAULT_MAX_BODY = 16 << 20


class Worker(ThreadWorker):  # type: ignore[misc]
    """On SIGTERM, requests in progress are answered and new connections are refused.

    Gunicorn's own worker keeps its listening socket open until the last request is answered: a
    client that connects meanwhile is never served, and its connection is reset at the end.
    """

    def init_process(self) -> None:
        """Create the worker's own state, then start as Gunicorn's worker does."""
        self._may_wait = threading.Semaphore(max(1, self.cfg.threads // WAITING_SHARE))
        self._parking = ParkedConnections(self._drop)
        super().init_process()

    def load_wsgi(self) -> None:
        """Build the application; an invalid setting stops the server with a message of one line."""
        try:
            super().load_wsgi()
        except SettingsError as error:
            raise AppImportError(error.detail) from error

    def handle_quit(self, sig: int, frame: Any) -> None:
        """End at once, but only at the first signal: after Ctrl-C another one follows from the
        arbiter, and must not interrupt the application while it closes.
        """
        for number in (signal.SIGINT, signal.SIGQUIT):
            signal.signal(number, lambda *_: None)
        super().handle_quit(sig, frame)

    def run(self) -> None:
        """Serve until the worker is stopped."""
        self._parking.open(self.poller)
        app_config = getattr(self.wsgi, "config", {})
        self._max_body = app_config.get("MAX_CONTENT_LENGTH") or DEFAULT_MAX_BODY
        super().run()

    def handle_error(self, req: Any, client: Any, addr: Any, exc: Exception) -> None:
        """Answer a request that cannot be parsed with a problem document instead of HTML."""
        response = refusal(exc)
        if response is None:
            super().handle_error(req, client, addr, exc)
            return
        self.log.warning("Invalid request from ip=%s: %s", addr[0] if addr else "", exc)
        with contextlib.suppress(OSError):
            client.sendall(response)

    def accept(self, listener: Any) -> None:
        """Accept a connection if one is waiting and a file descriptor is free."""
        if self.cfg.is_ssl:
            super().accept(listener)
            return
        try:
            sock, client = listener.accept()
        except OSError as error:  # disconnected, taken by another process, or no descriptor free
            if error.errno in (errno.EMFILE, errno.ENFILE):
                self._make_room(1)
            return
        self.nr_conns += 1
        self.enqueue_req(Connection(self.cfg, sock, client, listener.getsockname()))

    def get_thread_pool(self) -> ThreadPool:
        """Return the threads that `handle` runs in."""
        return ThreadPool(max_workers=self.cfg.threads)

    # ---- in a thread

    def handle(self, conn: Any) -> Any:
        """Serve the request of a connection, and those that follow at once. Return DEFER for an
        incomplete request, or else whether the connection stays open.
        """
        if not isinstance(conn, Connection):
            return super().handle(conn)
        result = self._serve(conn)
        while result is True and self._is_followed(conn):
            result = self._serve(conn)
        return result

    def _is_followed(self, conn: Connection) -> bool:
        """Return whether the client sends its next request at once, as busy clients do: the way
        through the event loop back to a thread costs as much as parsing a request.
        """
        if self.tpool.is_behind or not self._may_wait.acquire(blocking=False):
            return False
        try:
            is_followed = conn.is_followed(NEXT_WAIT)
            return is_followed and self.alive and not self.tpool.is_behind
        finally:
            self._may_wait.release()

    def _serve(self, conn: Connection) -> Any:
        may_wait = self._may_wait.acquire(blocking=False)
        try:
            if not conn.receive(self._max_body, SHORT_WAIT if may_wait else 0.0):
                return DEFER
            if may_wait and not conn.is_expecting:
                self._may_wait.release()
                may_wait = False
            return super().handle(conn)
        except OSError:
            return False  # the client has disconnected
        finally:
            if may_wait:
                self._may_wait.release()

    def _keepalive_after(self, conn: Any, keepalive: bool) -> bool:
        """Return whether the next request may follow: no part of this one is left unread."""
        if not isinstance(conn, Connection):
            return bool(super()._keepalive_after(conn, keepalive))
        return keepalive and not conn.parser.mesg.must_close

    # ---- in the event loop

    def finish_request(self, conn: Any, future: Any) -> None:
        """Park the connection until it can be read or written, or close it."""
        if not isinstance(conn, Connection):
            super().finish_request(conn, future)
            return
        try:
            result = False if future.cancelled() else future.result()
            if result is DEFER:
                self._park_receiving(conn)
                return
            conn.close_request()
            if conn.sock.unsent:
                self._park_sending(conn, result)
            else:
                self._settle(conn, result)
        except Exception:
            self._drop(conn)

    def _park_receiving(self, conn: Connection) -> None:
        self._parking.park(conn, selectors.EVENT_READ, self.enqueue_req, conn.received)

    def _park_sending(self, conn: Connection, keeps_open: bool) -> None:
        conn.timeout = time.monotonic() + body_seconds(conn.sock.unsent)
        self._park_flushing(conn, keeps_open)

    def _park_flushing(self, conn: Connection, keeps_open: bool) -> None:
        then = partial(self._flush, keeps_open=keeps_open)
        self._parking.park(conn, selectors.EVENT_WRITE, then, conn.sock.unsent)

    def _flush(self, conn: Connection, keeps_open: bool) -> None:
        if conn.sock.flush():
            self._settle(conn, keeps_open)
        else:
            self._park_flushing(conn, keeps_open)

    def _settle(self, conn: Connection, keeps_open: bool) -> None:
        """Wait for the next request, or for the client to close its end of the connection."""
        if not keeps_open:
            conn.start_lingering(LINGER_SECONDS)
            self._linger(conn)
        elif conn.parser.unreader.buf.getvalue():
            self.enqueue_req(conn)  # the next request has begun to arrive
        else:
            conn.set_timeout()
            if not self.alive:
                limit = time.monotonic() + gthread.STOP_KEEPALIVE_LINGER
                conn.timeout = min(conn.timeout, limit)
            self.keepalived_conns.append(conn)
            callback = partial(self.on_client_socket_readable, conn)
            self.poller.register(conn.sock, selectors.EVENT_READ, callback)

    def _linger(self, conn: Connection) -> None:
        """Discard what the client still sends: closing the socket now would reset the connection
        before the client has read the response.
        """
        if conn.is_done_lingering():
            self._drop(conn)
        else:
            self._parking.park(conn, selectors.EVENT_READ, self._linger, 0)

    def _drop(self, conn: Connection) -> None:
        self.nr_conns -= 1
        conn.close()

    def murder_pending(self) -> None:
        """Close connections of slow clients, and idle connections if there are too many."""
        super().murder_pending()
        self._parking.expire(is_ending=not self.alive)
        if self.nr_conns >= self.worker_connections:
            self._make_room(max(1, self.worker_connections // 20))

    def _make_room(self, count: int) -> None:
        """Close `count` connections: idle ones first, then those that have taken longest."""
        for _ in range(count):
            if self.keepalived_conns:
                conn = self.keepalived_conns.popleft()
                with contextlib.suppress(OSError, KeyError, ValueError):
                    self.poller.unregister(conn.sock)
                self._drop(conn)
            else:
                self._parking.expire_longest()

    def set_accept_enabled(self, enabled: bool) -> None:
        """Accept connections or not; at shutdown, accept the pending ones, then stop listening."""
        super().set_accept_enabled(enabled)
        if not enabled and not self.alive:
            self._stop_listening()

    def _stop_listening(self) -> None:
        for listener in self.sockets:
            while is_ready(listener, select.POLLIN, 0):
                self.accept(listener)
            listener.close()
        self._end_waits()

    def _end_waits(self) -> None:
        """Answer requests that wait for a prediction now; their clients ask another process."""
        from api.state import EXTENSION

        if getattr(self, "wsgi", None) is not None:
            self.wsgi.extensions[EXTENSION].waiters.end_waits()
