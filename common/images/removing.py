"""How an image goes: with all that was asked of it, its posts, and its bytes when nobody else has
the same.

Whoever works on it meanwhile finds its row gone and drops what they have.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import bindparam, delete, select, update
from sqlalchemy.orm import Session

from common.columns import Id
from common.db import execute
from common.feedback import lessons
from common.indexing import is_findable, note_deleted
from common.sharing import remove_posts_of_image
from common.tables import BatchItem, Image, Prediction, StoredObject, WebhookDelivery

AT_ONCE = 500  # rows a statement


@dataclass(frozen=True, slots=True)
class Removed:
    """What went with an image, for whoever is to be told after the COMMIT."""

    predictions: Sequence[UUID]  # somebody may be waiting for them
    condemned: bytes | None  # the sha256 of bytes that are nobody's now


# Built once: making a statement costs as much as sending it.
_IT = Image.id == bindparam("image", type_=Id)
_THESE = bindparam("these", expanding=True, type_=Id)
ROW = select(Image.sha256, Image.owner_id, Image.visibility, Image.posts).where(_IT)
OF_OWNER = (
    select(Image.id)
    .where(Image.owner_id == bindparam("owner", type_=Id))
    .order_by(Image.id)
    .limit(bindparam("most"))
)
HOLD_OBJECT = (
    select(StoredObject.state).where(StoredObject.sha256 == bindparam("digest")).with_for_update()
)
HOLD_IMAGE = select(Image.id).where(_IT).with_for_update()
# In the order in which an engine's batch locks them.
HOLD_PREDICTIONS = (
    select(Prediction.id)
    .where(Prediction.image_id == bindparam("image", type_=Id))
    .order_by(Prediction.id)
    .with_for_update()
)
LEAVE_BATCHES = (
    update(BatchItem)
    .where(BatchItem.prediction_id.in_(_THESE))
    .values(prediction_id=None, error_code="image_deleted", error_detail="The image was deleted.")
)
FORGET_DELIVERIES = delete(WebhookDelivery).where(WebhookDelivery.prediction_id.in_(_THESE))
FORGET_PREDICTIONS = delete(Prediction).where(Prediction.id.in_(_THESE))
FORGET_IMAGE = delete(Image).where(_IT)
ANOTHER = select(Image.id).where(Image.sha256 == bindparam("digest")).limit(1)
CONDEMN = (
    update(StoredObject)
    .where(StoredObject.sha256 == bindparam("digest"), StoredObject.state == "ready")
    .values(state="deleting")
)


def remove_image(session: Session, image_id: UUID) -> Removed | None:
    """Remove an image and what hangs on it; None when there is none.

    Its object is locked first, as by uploads: bytes that somebody has just sent again stay.
    """
    image = {"image": image_id}
    row = execute(session, ROW, image).first()
    if row is None:
        return None
    execute(session, HOLD_OBJECT, {"digest": row.sha256})
    if execute(session, HOLD_IMAGE, image).first() is None:
        return None
    if is_findable(row):
        note_deleted(session, [image_id])
    remove_posts_of_image(session, image_id)
    lessons.forget(session, image_id)
    predictions = [row.id for row in execute(session, HOLD_PREDICTIONS, image)]
    for these in _in_pieces(predictions):
        for statement in (LEAVE_BATCHES, FORGET_DELIVERIES, FORGET_PREDICTIONS):
            execute(session, statement, {"these": these})
    execute(session, FORGET_IMAGE, image)
    return Removed(predictions, _condemned(session, row.sha256))


def remove_images_of(session: Session, owner_id: UUID, most: int) -> list[Removed]:
    """Remove up to `most` images of an owner's; none are left when there were fewer."""
    rows = execute(session, OF_OWNER, {"owner": owner_id, "most": most}).all()
    gone = (remove_image(session, row.id) for row in rows)
    return [each for each in gone if each]


def _condemned(session: Session, digest: bytes) -> bytes | None:
    """The digest, when no other image has the same bytes: from the COMMIT on no upload relies on
    them.
    """
    if execute(session, ANOTHER, {"digest": digest}).first() is not None:
        return None
    execute(session, CONDEMN, {"digest": digest})
    return digest


def _in_pieces(ids: Sequence[UUID]) -> Iterator[Sequence[UUID]]:
    for start in range(0, len(ids), AT_ONCE):
        yield ids[start : start + AT_ONCE]
