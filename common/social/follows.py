"""Following and unfollowing users."""

from uuid import UUID

from sqlalchemy import delete
from sqlalchemy.orm import Session

from common.database.session import execute, insert_missing
from common.errors import InputFault
from common.social.account_locks import hold, is_held
from common.tables import Follow


def follow(session: Session, follower_id: UUID, followed_id: UUID) -> bool:
    """Make one user follow another, if they do not yet; False if the other does not exist.

    Raises InputFault if both are the same, Unauthorized if the follower's account no longer exists.
    """
    if follower_id == followed_id:
        raise InputFault("You cannot follow yourself.", code="follow_yourself")
    hold(session, follower_id)
    if not is_held(session, followed_id):
        return False
    row = {"follower_id": follower_id, "followed_id": followed_id}
    execute(session, insert_missing(Follow), row)
    return True


def unfollow(session: Session, follower_id: UUID, followed_id: UUID) -> None:
    """Make one user stop following another."""
    row = (Follow.follower_id == follower_id, Follow.followed_id == followed_id)
    execute(session, delete(Follow).where(*row))
