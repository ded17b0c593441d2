"""What each table holds, how old its oldest row is, and what bounds it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import func, select, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from common.database.session import execute
from common.housekeeping.retention import RULES
from common.tables import Base

# Tables that no rule of `common/housekeeping/retention.py` covers, or not wholly: what bounds them.
BOUNDED = {
    "api_keys": "until their account deletes them",
    "batch_items": "with their batch",
    "batches": "30 days",
    "drift_samples": "400 days",
    "follows": "until they end, or with an account",
    "images": "until their owner deletes them",
    "lessons": "as long as a vote that they are learnt from",
    "likes": "until they are taken back, or with a post or account",
    "objects": "as long as an image has these bytes; tombstones: 10 minutes",
    "posts": "until their owner deletes them",
    "predictions": "with their image; search: 24 hours after its last use, 90 days with feedback; "
    "thumbnail: an hour, failed ones a day; index: an hour, failed ones until a newer one succeeds",
    "share_links": "with their post",
    "users": "until they are deleted",
    "votes": "365 days",
    "webhook_secrets": "a few at a time: one is replaced by another",
}
OLDEST = ("created_at", "started_at", "day", "hour", "ends_at", "due_at")


@dataclass(frozen=True, slots=True)
class Held:
    """A table: rows, bytes where the database tells them, its oldest row."""

    table: str
    rows: int
    size: int | None
    oldest: datetime | date | None
    rule: str


def rules() -> dict[str, str]:
    """What bounds each table that has a rule."""
    return {rule.table.__tablename__: rule.said for rule in RULES} | BOUNDED


def tables(session: Session) -> Iterator[Held]:
    """Every table, by name."""
    sizes, said = _sizes(session), rules()
    for name, table in sorted(Base.metadata.tables.items()):
        column = next((table.c[each] for each in OLDEST if each in table.c), None)
        oldest = None if column is None else session.scalar(select(func.min(column)))
        rows = session.scalar(select(func.count()).select_from(table)) or 0
        yield Held(name, rows, sizes.get(name), oldest, said.get(name, "no rule"))


def _sizes(session: Session) -> dict[str, int]:
    """Bytes with indexes; SQLite tells them only when it was built with `dbstat`."""
    if session.get_bind().dialect.name == "sqlite":
        pages: Any = text(
            "SELECT m.tbl_name AS name, SUM(s.pgsize) AS size FROM dbstat s"
            " JOIN sqlite_master m ON m.name = s.name GROUP BY m.tbl_name"
        )
    else:
        pages = text(
            "SELECT table_name AS name, data_length + index_length AS size"
            " FROM information_schema.tables WHERE table_schema = DATABASE()"
        )
    try:
        return {row.name: int(row.size or 0) for row in execute(session, pages)}
    except OperationalError:
        return {}
