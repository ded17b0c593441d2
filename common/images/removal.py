"""Removing an image: with its predictions, posts and everything that refers to it, and with its
bytes when no other image has the same.

One transaction removes at most AT_ONCE rows. An image with more, which other callers may have asked
for, is hidden by the first one and removed by the last; an engine that works on it meanwhile finds
the prediction's row gone and drops its result.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Row, bindparam, delete, select, update
from sqlalchemy.orm import Session

from common.database.session import execute
from common.database.types import Id
from common.images.references import unlink_some
from common.search.outbox import is_findable, note_deleted
from common.social import remove_some_posts_of_image
from common.tables import BatchItem, Image, Prediction, StoredObject, Visibility, WebhookDelivery

AT_ONCE = 500  # rows a transaction


@dataclass(frozen=True, slots=True)
class Removed:
    """What one transaction removed, for whoever is to be told after its COMMIT."""

    predictions: Sequence[UUID]  # somebody may be waiting for them
    condemned: bytes | None = None  # the sha256 of bytes that no image has any more
    is_done: bool = True  # False: more is left, and the image with it


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
SOME_PREDICTIONS = (
    select(Prediction.id)
    .where(Prediction.image_id == bindparam("image", type_=Id))
    .limit(bindparam("most"))
)
# In the order in which an engine's batch locks them.
HOLD_PREDICTIONS = (
    select(Prediction.id).where(Prediction.id.in_(_THESE)).order_by(Prediction.id).with_for_update()
)
LEAVE_BATCHES = (
    update(BatchItem)
    .where(BatchItem.prediction_id.in_(_THESE))
    .values(
        prediction_id=None,
        image_id=None,
        error_code="image_deleted",
        error_detail="The image was deleted.",
    )
)
HIDE = update(Image).where(_IT).values(visibility=Visibility.PRIVATE)
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
    """Remove an image and what refers to it, or AT_ONCE rows of that: call it until `is_done`. None
    when there is no such image.

    Its object is locked first, as by uploads: bytes that somebody has just sent again stay.
    """
    image = {"image": image_id}
    row = execute(session, ROW, image).first()
    if row is None:
        return None
    execute(session, HOLD_OBJECT, {"digest": row.sha256})
    if execute(session, HOLD_IMAGE, image).first() is None:
        return None
    if remove_some_posts_of_image(session, image_id) >= AT_ONCE:
        return _hidden(session, image_id, row, [])
    predictions = _remove_predictions(session, image_id)
    left = AT_ONCE - len(predictions)
    if not left or unlink_some(session, image_id, left) == left:
        return _hidden(session, image_id, row, predictions)
    if is_findable(row):
        note_deleted(session, [image_id])
    execute(session, FORGET_IMAGE, image)
    return Removed(predictions, _condemned(session, row.sha256))


def _hidden(session: Session, image_id: UUID, row: Row[Any], gone: Sequence[UUID]) -> Removed:
    """Hide an image of which more is left than one transaction removes."""
    execute(session, HIDE, {"image": image_id})
    if row.visibility != Visibility.PRIVATE:  # afterwards nothing tells that it may be indexed
        note_deleted(session, [image_id])
    return Removed(gone, is_done=False)


def remove_images_of(session: Session, owner_id: UUID, most: int) -> list[Removed]:
    """Remove up to `most` images of an owner, or AT_ONCE rows of one; empty when none are left."""
    gone: list[Removed] = []
    for row in execute(session, OF_OWNER, {"owner": owner_id, "most": most}).all():
        if found := remove_image(session, row.id):
            gone.append(found)
        is_done = not gone or gone[-1].is_done
        if not is_done or sum(len(each.predictions) for each in gone) >= AT_ONCE:
            break
    return gone


def _remove_predictions(session: Session, image_id: UUID) -> Sequence[UUID]:
    some = execute(session, SOME_PREDICTIONS, {"image": image_id, "most": AT_ONCE}).scalars()
    if ids := sorted(some):
        for statement in (HOLD_PREDICTIONS, LEAVE_BATCHES, FORGET_DELIVERIES, FORGET_PREDICTIONS):
            execute(session, statement, {"these": ids})
    return ids


def _condemned(session: Session, digest: bytes) -> bytes | None:
    """The digest when no other image has the same bytes: no upload relies on them any more."""
    if execute(session, ANOTHER, {"digest": digest}).first() is not None:
        return None
    execute(session, CONDEMN, {"digest": digest})
    return digest
