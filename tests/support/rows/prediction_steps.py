"""Steps in the life of a prediction, as the tests take them."""

import time
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import insert, update
from sqlalchemy.orm import Session

from common.database.ids import new_id
from common.database.session import Sessions, clock, now, transact
from common.predictions import (
    Claims,
    Job,
    Outcome,
    Success,
    TaskRequest,
    claim,
    create,
    finish,
    mark_announced,
    sweep,
)
from common.tables import EngineProcess, Image, Prediction, StoredObject

ME, TWIN = new_id(), new_id()
MODEL = {"name": "m", "version": "1", "sha256": "00"}


@pytest.fixture
def image(sessions: Sessions) -> Image:
    def store(session: Session) -> Image:
        session.add(StoredObject(sha256=b"x" * 32, size=1, media_type="image/png"))
        session.flush()
        image = Image(
            id=new_id(), sha256=b"x" * 32, file_name="x.png", width=16, height=16,
            visibility="unlisted",
        )  # fmt: skip
        session.add(image)
        return image

    return transact(sessions, store)


@pytest.fixture
def ask(sessions: Sessions, image: Image) -> Callable[..., list[UUID]]:
    def ask(count: int = 1, *, deadline: float = 900, announced: bool = True) -> list[UUID]:
        task_requests = [
            TaskRequest(task="classify", params={}, deadline=deadline) for _ in range(count)
        ]
        transact(sessions, lambda session: create(session, image, task_requests, clock(session)))
        ids = [ask.id for ask in task_requests]
        if announced:
            transact(sessions, lambda session: mark_announced(session, ids))
        return ids

    return ask


def row(sessions: Sessions, id: UUID) -> Prediction:
    found = transact(sessions, lambda session: session.get(Prediction, id))
    assert found is not None
    return found


def rewrite(sessions: Sessions, ids: list[UUID], **values: Any) -> None:
    """Move time by rewriting a row's times."""
    rows = update(Prediction).where(Prediction.id.in_(ids)).values(values)
    transact(sessions, lambda session: session.execute(rows))


def take(
    sessions: Sessions, ids: list[UUID], *, owner: UUID = ME, redelivered: bool = False
) -> Claims:
    deliveries = dict.fromkeys(ids, redelivered)
    by_itself = len(ids) == 1
    return transact(
        sessions, lambda session: claim(session, owner, deliveries, by_itself=by_itself)
    )


def write(sessions: Sessions, *outcomes: Outcome) -> list[UUID]:
    return transact(sessions, lambda session: finish(session, outcomes))


def success(job: Job) -> Success:
    return Success(job, {"labels": ["é😀"], "id": str(job.id)}, MODEL, {"predict": 0.25})


def beat(sessions: Sessions, engine: UUID, ago: float = 0) -> None:
    seen = insert(EngineProcess).values(id=engine, name="e", report={}, seen_at=now(-ago))
    transact(sessions, lambda session: session.execute(seen))


def one_after_another(ask: Any, count: int) -> list[UUID]:
    """Ids sort by their millisecond, so that each gets one of its own."""
    ids = []
    for _ in range(count):
        ids += ask()
        time.sleep(0.002)
    return ids


def sweep_ids(sessions: Sessions) -> list[UUID]:
    return [id for id, _, _ in transact(sessions, sweep).announce]
