"""Who may see a prediction, and who may act on it."""

from common.callers import Caller
from common.predictions import PredictionRecord
from common.tables import Visibility


def may_see(caller: Caller, record: PredictionRecord) -> bool:
    """Whether the caller may see the prediction: its image decides; without an image, only its
    owner may see it, and everyone if it is anonymous.
    """
    if caller.is_admin:
        return True
    if record.image_id is None:
        return record.owner_id is None or record.owner_id == caller.id
    if record.image_visibility != Visibility.PRIVATE or record.image_posts:
        return True
    return caller.id is not None and record.image_owner_id == caller.id


def may_act_on(caller: Caller, record: PredictionRecord) -> bool:
    """Whether the caller, who may see the prediction, may cancel it, retry it and redeliver its
    webhook.

    Admins and the owner may. For an anonymous prediction the id is enough, but only if no list
    shows the id to others: without an image, or with an unlisted, unposted, anonymous image.
    """
    if record.owner_id is not None:
        return caller.is_admin or record.owner_id == caller.id
    is_listed = record.image_id is not None and (
        record.image_owner_id is not None
        or record.image_visibility != Visibility.UNLISTED
        or bool(record.image_posts)
    )
    return caller.is_admin or not is_listed
