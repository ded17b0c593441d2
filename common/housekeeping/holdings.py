"""The size of each table, its oldest row, and the rule that limits how long rows are kept."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import func, select, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from common.database.session import execute
from common.housekeeping import retention
from common.tables import Base

# The limits of tables that the rules of `common/housekeeping/retention.py` do not cover, or only in
# part.
BOUNDED = {
    "api_keys": "until their account deletes them",
    "batch_items": "with their batch",
    "batches": f"{retention.BATCHES} days",
    "compared_images": "with their image",
    "drift_samples": "400 days",
    "follows": "until they end, or with an account",
    "images": "until their owner deletes them",
    "lessons": "as long as the votes that they sum up",
    "likes": "until they are withdrawn, or with a post or account",
    "objects": "as long as an image has these bytes; tombstones: 10 minutes",
    "posts": "until their owner deletes them",
    "predictions": "with their image; search: 24 hours after its last use, 90 days with feedback; "
    "thumbnail and compare: an hour, failed ones a day; index: an hour, failed ones until a newer "
    "one succeeds",
    "share_links": "with their post",
    "users": "until they are deleted",
    "votes": "365 days",
    "webhook_secrets": "until they are replaced; two at a time",
}
OLDEST = ("created_at", "started_at", "day", "hour", "ends_at", "due_at")


@dataclass(frozen=True, slots=True)
class TableHoldings:
    """A table's number of rows, size in bytes (None if unknown), oldest row and rule."""

    table: str
    rows: int
    size: int | None
    oldest: datetime | date | None
    rule: str


def rules(retention_days: int | None = None) -> dict[str, str]:
    """Return table name -> the rule that limits how long its rows are kept."""
    by_table = {
        rule.table.__tablename__: rule.description for rule in retention.rules(retention_days)
    }
    return by_table | BOUNDED | (_bounded_by(retention_days) if retention_days else {})


def _bounded_by(days: int) -> dict[str, str]:
    return {
        "batches": f"{min(days, retention.BATCHES)} days",
        "images": f"{BOUNDED['images']}; without an owner: {days} days after their last prediction",
        "predictions": f"{days} days, but the newest of each task of an image with an owner; "
        + BOUNDED["predictions"].partition("; ")[2],
    }


def tables(session: Session, retention_days: int | None = None) -> Iterator[TableHoldings]:
    """Yield the holdings of every table, in the order of their names."""
    sizes, descriptions = _sizes(session), rules(retention_days)
    for name, table in sorted(Base.metadata.tables.items()):
        column = next((table.c[each] for each in OLDEST if each in table.c), None)
        oldest = None if column is None else session.scalar(select(func.min(column)))
        rows = session.scalar(select(func.count()).select_from(table)) or 0
        rule = descriptions.get(name, "no rule")
        yield TableHoldings(name, rows, sizes.get(name), oldest, rule)


def _sizes(session: Session) -> dict[str, int]:
    """Return the bytes of each table with its indexes; empty for an SQLite without `dbstat`."""
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
