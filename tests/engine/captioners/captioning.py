"""A real engine for captions (and labels) in the test's process, and rows for it to work on."""

import hashlib
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from common.announcer import Announcer
from common.database.ids import new_id
from common.database.session import clock, now, transact
from common.predictions import TaskRequest, create
from common.services import Services, open_services
from common.settings import Settings
from common.storage import object_key
from common.tables import Image, Prediction, State, StoredObject
from common.tasks import contract
from engine.process import Engine
from tests.support.rows.databases import migrate
from tests.support.rows.prediction_steps import rewrite, row

PATIENCE = 60.0  # seconds that a test waits for what takes a few


@dataclass
class Captioning:
    """The engine, its services, and an announcer to ask through."""

    services: Services
    engine: Engine
    announcer: Announcer

    def ask(self, data: bytes, count: int = 1, task: str = "caption") -> list[UUID]:
        """Ask `task` of an image with these bytes, so many times."""
        digest = hashlib.sha256(data).digest()
        self.services.storage.put(object_key(digest), data)
        params = contract(task).check_params({})
        task_requests = [TaskRequest(task=task, params=params, deadline=900) for _ in range(count)]

        def store(session: Session) -> None:
            if session.get(StoredObject, digest) is None:
                session.add(StoredObject(sha256=digest, size=len(data), media_type="image/jpeg"))
                session.flush()
            image = Image(
                id=new_id(), sha256=digest, file_name="secret-name.jpg", width=1, height=1,
                visibility="unlisted",
            )  # fmt: skip
            session.add(image)
            session.flush()
            create(session, image, task_requests, clock(session))

        transact(self.services.sessions, store)
        for ask in task_requests:
            self.announcer.announce(ask.id, task, False)
        return [ask.id for ask in task_requests]

    def row(self, id: UUID) -> Prediction:
        """The row as it stands."""
        return row(self.services.sessions, id)

    def until(self, id: UUID, reached: Callable[[Prediction], bool]) -> Prediction:
        """The row once it is so."""
        deadline = time.monotonic() + PATIENCE
        while not reached(found := self.row(id)):
            assert time.monotonic() < deadline, (found.state, found.failures, found.error_code)
            time.sleep(0.02)
        return found

    def finished(self, ids: Sequence[UUID]) -> list[Prediction]:
        """The rows once they are final; waits between two tries are skipped."""

        def is_final(found: Prediction) -> bool:
            if found.state == State.QUEUED and found.next_attempt_at is not None:
                self._hurry(found.id)
            return State(found.state).is_final

        return [self.until(id, is_final) for id in ids]

    def _hurry(self, id: UUID) -> None:
        """Not before the announcer has noted what it announced for the try before."""
        due = {"next_attempt_at": now(), "check_at": now()}
        waiting = select(Prediction.id).where(
            Prediction.id == id, Prediction.state == State.QUEUED,
            Prediction.next_attempt_at > now(), Prediction.started_at < now(-1),
        )  # fmt: skip
        if transact(self.services.sessions, lambda session: session.scalar(waiting)):
            rewrite(self.services.sessions, [id], **due)


@contextmanager
def captioning(folder: Path, model_dir: Path, *tasks: str, **environ: str) -> Iterator[Captioning]:
    """An engine on SQLite, `memory://` and a folder; `environ` are settings."""
    settings = Settings.from_env(
        {"DATA_DIR": str(folder), "MODEL_DIR": str(model_dir), "ENGINE_WORKERS": "2"} | environ
    )
    migrate(settings.database_url, folder)
    with open_services(settings) as services:
        engine = Engine(services, tasks or ["caption"])
        announcer = Announcer(services.broker, services.sessions)
        engine.start()
        try:
            yield Captioning(services, engine, announcer)
        finally:
            engine.stop()
            announcer.close()
