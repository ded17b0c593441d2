"""Recurring housekeeping that one of many processes does each time."""

from sqlalchemy import update
from sqlalchemy.orm import Session

from common.database.session import execute, insert_missing, now
from common.tables import Chore

ENTER = insert_missing(Chore)


def try_to_write(session: Session) -> None:
    """Write a row, which costs less than an upload's: shows that the database takes writes now."""
    take(session, "readiness check", 0)


def take(session: Session, name: str, period: float) -> bool:
    """Whether the chore is due and now the caller's to do; it is due again after `period` seconds.

    One guarded UPDATE decides among all who ask. A caller that dies in the middle leaves the rest
    to the next turn, so a chore is something that may be done late, or twice.
    """
    due = update(Chore).where(Chore.name == name, Chore.due_at <= now())
    if execute(session, due.values(due_at=now(period))).rowcount:
        return True
    return execute(session, ENTER.values(name=name, due_at=now(period))).rowcount == 1


def postpone(session: Session, name: str, seconds: float) -> None:
    """Make a chore due `seconds` from now."""
    execute(session, update(Chore).where(Chore.name == name).values(due_at=now(seconds)))
