"""Gunicorn's threaded worker, ending so that no request fails."""

import selectors
from typing import Any

from gunicorn.workers.gthread import ThreadWorker


class Worker(ThreadWorker):  # type: ignore[misc]
    """On SIGTERM, requests in flight are answered and new connections are refused.

    Gunicorn's own keeps its listening socket open until the last request is answered: whoever
    connects meanwhile is served by nobody and is reset in the end.
    """

    def set_accept_enabled(self, enabled: bool) -> None:
        """As Gunicorn's; at the end, take who is already connected, then refuse."""
        super().set_accept_enabled(enabled)
        if not enabled and not self.alive:
            self._stop_listening()

    def _stop_listening(self) -> None:
        for listener in self.sockets:
            while _has_somebody(listener):
                self.accept(listener)
            listener.close()
        self._send_home()

    def _send_home(self) -> None:
        """Who waits for a prediction is told at once how it stands, and asks another process."""
        from api.context import EXTENSION

        if getattr(self, "wsgi", None) is not None:
            self.wsgi.extensions[EXTENSION].waiting.send_home()


def _has_somebody(listener: Any) -> bool:
    with selectors.DefaultSelector() as selector:
        selector.register(listener.fileno(), selectors.EVENT_READ)
        return bool(selector.select(0))
