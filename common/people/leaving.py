"""An account is closed: what was its own goes with it."""

from uuid import UUID

from sqlalchemy import bindparam, delete, null, select, update
from sqlalchemy.orm import Session

from common.columns import Id
from common.db import execute
from common.sharing import remove_posts_of_user
from common.tables import ApiKey, Login, Prediction, User, WebhookDelivery

_user = bindparam("user", type_=Id)
_ASKED = select(Prediction.id).where(Prediction.owner_id == _user)
# Built once: making a statement costs as much as sending it.
FORGET = [
    delete(ApiKey).where(ApiKey.user_id == _user),
    delete(Login).where(Login.user_id == _user),
    # What was asked of others' images is those images' own, but for what the asker has put to it.
    delete(WebhookDelivery).where(WebhookDelivery.prediction_id.in_(_ASKED)),
    update(Prediction)
    .where(Prediction.owner_id == _user)
    .values(caller_data=null(), webhook_url=null(), webhook_secret=null()),
]
ACCOUNT = delete(User).where(User.id == _user)


def forget_user(session: Session, user_id: UUID) -> bool:
    """Remove an account: how it proves itself, what it has shared and said, whom it follows. False
    when there is none. Its images are removed before, some at a time (`remove_images_of`).
    """
    remove_posts_of_user(session, user_id)
    for statement in FORGET:
        execute(session, statement, {"user": user_id})
    return bool(execute(session, ACCOUNT, {"user": user_id}).rowcount)
