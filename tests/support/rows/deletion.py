"""What is left after a deletion: in every table, in the object store and in the index."""

from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

from flask import Flask
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from common.database.session import Sessions, now, read, transact
from common.housekeeping import garbage
from common.housekeeping.retention import old_predictions, remove_old, remove_predictions
from common.tables import Base, Prediction, State
from common.tasks import HOUR
from common.tasks.thumbnail import thumbnail_keys
from engine.index.indexer import Indexer

# What may be left in a table, and why. A table that is not named here is a new one: say what
# deletion does with its rows.
EMPTY = "no row refers to it"
COUNTED = "rows stay to be counted, without the image's or the account's id"
LEFT: dict[str, str] = {
    "api_keys": EMPTY,
    "batch_items": COUNTED,
    "batches": EMPTY,
    "chores": EMPTY,
    "clicks": COUNTED,
    "compared_images": EMPTY,
    "counters": "hashed names, until their window ends",
    "drift_samples": EMPTY,
    "engines": EMPTY,
    "follows": EMPTY,
    "idempotency_keys": EMPTY,
    "images": EMPTY,
    "lessons": EMPTY,
    "likes": EMPTY,
    "logins": EMPTY,
    "objects": "a tombstone for ten minutes, of an image's bytes",
    "posts": EMPTY,
    "predictions": "others' searches that have found the image, until they are forgotten",
    "search_days": "queries by day, of all callers together",
    "share_links": EMPTY,
    "users": EMPTY,
    "voters": EMPTY,
    "votes": COUNTED,
    "webhook_deliveries": EMPTY,
    "webhook_secrets": EMPTY,
}


def services_of(app: Flask) -> Any:
    return app.extensions["afterimage"].services


def everything(sessions: Sessions) -> dict[str, list[str]]:
    """Each row of each table as text, with bytes in hexadecimal."""

    def work(session: Session) -> dict[str, list[str]]:
        tables = Base.metadata.sorted_tables
        return {
            table.name: [_text(row) for row in session.execute(select(table))] for table in tables
        }

    return read(sessions, work)


def _text(row: Any) -> str:
    return " ".join(value.hex() if isinstance(value, bytes) else str(value) for value in row)


def mentions(sessions: Sessions, *needles: object) -> set[str]:
    """The tables in which something of this is written."""
    wanted = [str(needle) for needle in needles]
    rows = everything(sessions)
    assert set(rows) == set(LEFT), "say in LEFT what deletion does with the rows of this table"
    return {
        table for table, texts in rows.items() for text in texts if any(n in text for n in wanted)
    }


def indexed(app: Flask, image: str) -> bool:
    indexer = Indexer(services_of(app))
    indexer.index([UUID(image)])
    return UUID(image) in [id for page in indexer.indexed() for id in page]


def files(app: Flask, sha256: str) -> list[str]:
    folder = Path(services_of(app).settings.data_dir)
    found = (str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())
    return [path for path in found if sha256 in path.replace("/", "")]


def settle(app: Flask, sessions: Sessions) -> None:
    """The engine takes the notes for the index; an hour and ten minutes pass."""
    notes = select(Prediction.id).where(Prediction.task == "index")
    ids = read(sessions, lambda session: list(session.scalars(notes)))
    done = {"state": State.SUCCEEDED, "started_at": now(-HOUR - 1), "check_at": None}
    rows = update(Prediction).where(Prediction.id.in_(ids)).values(done)
    transact(sessions, lambda session: session.execute(rows))
    old = update(Base.metadata.tables["objects"]).values(created_at=now(-garbage.TOMBSTONE - 1))
    transact(sessions, lambda session: session.execute(old))
    transact(sessions, remove_old)
    for which in old_predictions()["index"]:
        transact(sessions, partial(remove_predictions, condition=which))


def store_thumbnails(app: Flask, sha256: str) -> None:
    for key in thumbnail_keys(bytes.fromhex(sha256)):
        services_of(app).storage.put(key, b"small")
