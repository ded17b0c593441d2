"""An account is closed: what was its own goes with it."""

from uuid import UUID

from sqlalchemy import bindparam, delete
from sqlalchemy.orm import Session

from common.columns import Id
from common.db import execute
from common.sharing import remove_posts_of_user
from common.tables import ApiKey, Login, User

_user = bindparam("user", type_=Id)
# Built once: making a statement costs as much as sending it.
PROOFS = [delete(table).where(table.user_id == _user) for table in (ApiKey, Login)]
ACCOUNT = delete(User).where(User.id == _user)


def forget_user(session: Session, user_id: UUID) -> bool:
    """Remove an account with all that is its own: how it proves itself, what it has shared, whom it
    follows, its images with their predictions. False when there is none.
    """
    remove_posts_of_user(session, user_id)
    for statement in PROOFS:
        execute(session, statement, {"user": user_id})
    return bool(execute(session, ACCOUNT, {"user": user_id}).rowcount)
