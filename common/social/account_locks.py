"""The account for which a row is written: held, so that it is not deleted meanwhile."""

from uuid import UUID

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from common.database.session import execute
from common.errors import Unauthorized
from common.tables import User

HOLD = select(User.id).where(User.id == bindparam("user")).with_for_update(read=True)


def is_held(session: Session, user_id: UUID) -> bool:
    """Keep the account until COMMIT; False when it is gone."""
    return execute(session, HOLD, {"user": user_id}).first() is not None


def hold(session: Session, user_id: UUID) -> None:
    """Keep the caller's own account until COMMIT; raises Unauthorized when it is gone."""
    if not is_held(session, user_id):
        raise Unauthorized("This account is no more.")
