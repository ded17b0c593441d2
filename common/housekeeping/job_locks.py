"""Locks of periodic jobs, each of which one of many processes runs each time."""

from sqlalchemy import update
from sqlalchemy.orm import Session

from common.database.session import execute, insert_missing, now
from common.tables import JobLock


def try_to_write(session: Session) -> None:
    """Update a row, to check that the database accepts writes; cheaper than an upload's INSERT."""
    take(session, "readiness check", 0)


def take(session: Session, name: str, period: float) -> bool:
    """Return True if the caller must run the job now: at most one caller gets True every `period`
    seconds.

    One guarded UPDATE decides among concurrent callers. If the caller dies, the job runs again only
    in the next period; so jobs must allow to run late or twice.
    """
    due = update(JobLock).where(JobLock.name == name, JobLock.due_at <= now())
    if execute(session, due.values(due_at=now(period))).rowcount:
        return True
    first = insert_missing(JobLock).values(name=name, due_at=now(period))
    return execute(session, first).rowcount == 1


def postpone(session: Session, name: str, seconds: float) -> None:
    """Make a job due `seconds` from now."""
    execute(session, update(JobLock).where(JobLock.name == name).values(due_at=now(seconds)))
