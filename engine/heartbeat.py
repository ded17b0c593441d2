"""An engine's heartbeat: the row that shows that the engine runs, and what it can do."""

import os
import socket
import threading
from collections.abc import Callable
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import delete, insert, update
from sqlalchemy.orm import Session

from common.database.session import Sessions, execute, now, transact
from common.errors import Unavailable
from common.predictions.constants import HEARTBEAT
from common.tables import EngineProcess
from common.threads import lasting_thread

log = structlog.get_logger(__name__)
FORGOTTEN = 24 * 3600  # seconds after which the row of a crashed engine is removed


class Heartbeat:
    """Writes the row in a thread of its own, so that no slow step of the engine delays it."""

    def __init__(self, sessions: Sessions, id: UUID, report: Callable[[], dict[str, Any]]):
        self._sessions = sessions
        self._id = id
        self._report = report
        self._stop = threading.Event()
        self._thread = lasting_thread("presence", self._run, self._stop)

    def start(self) -> None:
        """Write the row now and then periodically."""
        self._thread.start()

    def stop(self) -> None:
        """Delete the row: the engine ends on purpose."""
        self._stop.set()
        self._thread.join(timeout=5)
        self._try(lambda session: execute(session, _delete_own(self._id)))

    def _run(self) -> None:
        self._try(lambda session: execute(session, _delete_crashed()))
        while True:
            self._try(self._beat)
            if self._stop.wait(HEARTBEAT):
                return

    def _beat(self, session: Session) -> None:
        values = {"report": self._report(), "seen_at": now()}
        refresh = update(EngineProcess).where(EngineProcess.id == self._id).values(values)
        if not execute(session, refresh).rowcount:
            name = f"{socket.gethostname()}:{os.getpid()}"
            execute(session, insert(EngineProcess).values(id=self._id, name=name, **values))

    def _try(self, work: Callable[[Session], object]) -> None:
        try:
            transact(self._sessions, work)
        except Unavailable as error:
            log.warning("no heartbeat", error=error.detail)
        except Exception:
            log.exception("the heartbeat failed")


def _delete_own(id: UUID) -> Any:
    return delete(EngineProcess).where(EngineProcess.id == id)


def _delete_crashed() -> Any:
    return delete(EngineProcess).where(EngineProcess.seen_at < now(-FORGOTTEN))
