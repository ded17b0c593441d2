"""Who follows whom."""

from uuid import UUID

from sqlalchemy import bindparam, delete
from sqlalchemy.orm import Session

from common.database.session import execute, insert_missing
from common.errors import InputFault
from common.social.account_locks import hold, is_held
from common.tables import Follow

# Built once: making a statement costs as much as sending it.
ENTER = insert_missing(Follow)
TAKE_BACK = delete(Follow).where(
    Follow.follower_id == bindparam("follower"), Follow.followed_id == bindparam("followed")
)


def follow(session: Session, follower_id: UUID, followed_id: UUID) -> bool:
    """Have one follow the other, once; False when the other is gone.

    Raises InputFault for oneself, Unauthorized when the follower's own account is gone.
    """
    if follower_id == followed_id:
        raise InputFault("You cannot follow yourself.", code="follow_yourself")
    hold(session, follower_id)
    if not is_held(session, followed_id):
        return False
    execute(session, ENTER, {"follower_id": follower_id, "followed_id": followed_id})
    return True


def unfollow(session: Session, follower_id: UUID, followed_id: UUID) -> None:
    """Have the one follow the other no more."""
    execute(session, TAKE_BACK, {"follower": follower_id, "followed": followed_id})
