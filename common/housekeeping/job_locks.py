"""Locks of periodic jobs, each of which one of many processes runs each time."""

from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from common.database.ids import FIRST_ID
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


def progress_of(session: Session, name: str) -> UUID:
    """Return the id up to which a job has worked; FIRST_ID if it has not begun."""
    return session.scalar(select(JobLock.progress).where(JobLock.name == name)) or FIRST_ID


def note_progress(session: Session, name: str, id: UUID) -> None:
    """Note that a job has worked up to `id`, in the transaction of that work."""
    if not execute(
        session, update(JobLock).where(JobLock.name == name).values(progress=id)
    ).rowcount:
        execute(session, insert_missing(JobLock).values(name=name, due_at=now(), progress=id))
