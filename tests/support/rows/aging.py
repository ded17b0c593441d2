"""Rows of all the kinds that a day of requests leaves behind, and how they are made older."""

from datetime import date, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from common.database.ids import new_id
from common.database.session import Sessions, now, read, transact
from common.database.types import Moment
from common.housekeeping import holdings
from common.search.feedback import Opinion, record
from common.tables import (
    Base,
    Batch,
    BatchItem,
    Click,
    Counter,
    DriftSample,
    EngineProcess,
    IdempotencyKey,
    Image,
    JobLock,
    Login,
    Prediction,
    SearchDay,
    State,
    StoredObject,
    User,
    WebhookDelivery,
)

DIGEST, VOTER = bytes(range(32)), b"v" * 32


def counts(sessions: Sessions) -> dict[str, int]:
    def count(session: Session) -> dict[str, int]:
        return {each.table: each.rows for each in holdings.tables(session)}

    return read(sessions, count)


Keys = dict[str, set[tuple[Any, ...]]]  # table -> primary keys


def keys(sessions: Sessions) -> Keys:
    """The primary key of every row."""

    def find(session: Session) -> Keys:
        tables = Base.metadata.sorted_tables
        return {
            table.name: {tuple(row) for row in session.execute(select(*table.primary_key))}
            for table in tables
        }

    return read(sessions, find)


def age(sessions: Sessions, by: timedelta, besides: Keys | None = None) -> None:
    """Move every time in every row into the past, except rows with these keys."""

    def shift(session: Session) -> None:
        for table in Base.metadata.sorted_tables:
            times = [c for c in table.c if isinstance(c.type, Moment)]
            days = [c for c in table.c if c.type.__class__.__name__ == "Date"]
            keys = list(table.primary_key)
            kept = besides[table.name] if besides else set()
            for row in session.execute(select(table)).mappings().all():
                moved = {c.name: row[c.name] - by for c in times + days if row[c.name]}
                if moved and tuple(row[column.name] for column in keys) not in kept:
                    this = [column == row[column.name] for column in keys]
                    session.execute(update(table).where(*this).values(moved))

    transact(sessions, shift)


def enter(sessions: Sessions, table: type[Base], *rows: dict[str, Any]) -> None:
    # One statement each: a database's clock is an expression, which no list of rows may hold.
    transact(sessions, lambda session: [session.execute(insert(table).values(r)) for r in rows])


def prediction(task: str, state: State = State.SUCCEEDED, **values: Any) -> dict[str, Any]:
    is_final = state.is_final
    return {
        "id": new_id(), "task": task, "params": {}, "state": state, "interactive": True,
        "deadline_at": now(60), "started_at": now(), "finished_at": now() if is_final else None,
        "check_at": None if is_final else now(60), **values,
    }  # fmt: skip


def an_image(sessions: Sessions) -> UUID:
    """What users have made: it stays."""
    id, user = new_id(), new_id()
    enter(sessions, StoredObject, {"sha256": DIGEST, "size": 1, "media_type": "image/png"})
    about = {"id": id, "owner_id": user, "sha256": DIGEST, "file_name": "x.png"}
    enter(sessions, Image, about | {"width": 1, "height": 1, "visibility": "public"})
    names = {"name": "a", "name_key": "a", "email": "a@b", "email_key": "a@b"}
    enter(sessions, User, {"id": user, **names, "password_hash": "x"})
    enter(sessions, Prediction, prediction("classify", image_id=id, interactive=False))
    return id


def a_day(sessions: Sessions, image: UUID) -> None:
    """A row of every kind that requests leave behind, by the columns that they fill."""
    [user] = read(sessions, lambda s: s.scalars(select(User.id)).all())
    searches = [prediction("search") for _ in range(4)]
    thumbnail = prediction("thumbnail", image_id=image, params={"size": 64})
    broken = prediction("thumbnail", State.FAILED, image_id=image, params={"size": 64})
    never = prediction("search", State.EXPIRED, started_at=None)
    noted: dict[str, Any] = {"params": {"image_id": str(image)}, "interactive": False}
    note = prediction("index", image_id=image, **noted)
    enter(sessions, Prediction, *searches, thumbnail, broken, never, note)
    enter(sessions, Batch, batch := {"id": new_id(), "total": 2})
    item = {"batch_id": batch["id"], "task": "search", "prediction_id": searches[0]["id"]}
    enter(sessions, BatchItem, {**item, "position": 0}, {**item, "position": 1})
    owed = {"prediction_id": searches[1]["id"], "url": "http://x/", "state": "delivered"}
    enter(sessions, WebhookDelivery, {**owed, "delivered_at": now()})
    today = date.today()
    about = {"query_key": DIGEST, "query": "cat", "searches": 1, "misses": 0}
    enter(sessions, SearchDay, {"day": today, "model": "m", **about})
    enter(sessions, Click, {"search_id": searches[2]["id"], "image_id": image, "day": today})
    enter(sessions, Login, {"id": new_id(), "user_id": user, "refresh_id": new_id(),
                            "expires_at": now(30 * 24 * 3600)})  # fmt: skip
    enter(sessions, Counter, {"name": DIGEST, "count": 1, "ends_at": now(3600)})
    enter(sessions, JobLock, {"name": "an old one", "due_at": now()})
    enter(sessions, EngineProcess, {"id": new_id(), "name": "e", "report": {}})
    enter(sessions, DriftSample,
          {"hour": now(), "model": "m", "feature": "size", "counts": {}})  # fmt: skip
    enter(sessions, IdempotencyKey, {"scope": DIGEST, "name": "k", "request_hash": DIGEST,
          "image_id": image, "prediction_ids": []})  # fmt: skip
    enter(sessions, StoredObject, {"sha256": bytes(32), "size": 1, "media_type": "",
          "state": "deleted"})  # fmt: skip
    opinion = Opinion(query="cat", image_id=image, value=1)
    transact(sessions, lambda s: record(s, VOTER, [opinion]))
