"""Locks on the account that a new row will refer to, so that it is not deleted before COMMIT."""

from uuid import UUID

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from common.database.session import execute
from common.errors import Unauthorized
from common.tables import User

HOLD = select(User.id).where(User.id == bindparam("user")).with_for_update(read=True)


def is_held(session: Session, user_id: UUID) -> bool:
    """Lock the account until COMMIT; False if it does not exist."""
    return execute(session, HOLD, {"user": user_id}).first() is not None


def hold(session: Session, user_id: UUID) -> None:
    """Lock the caller's account until COMMIT; raises Unauthorized if it no longer exists."""
    if not is_held(session, user_id):
        raise Unauthorized("This account no longer exists.")
