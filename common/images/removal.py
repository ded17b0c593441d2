"""Removing an image with its predictions, posts and all other rows that refer to it, and with its
bytes unless another image has the same bytes.

One transaction deletes at most AT_ONCE rows. An image with more rows is hidden by the first
transaction and deleted by the last one. An engine that works on it meanwhile finds that the
prediction's row does not exist and drops its result.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from common.callers import ImageAccess
from common.database.rows import first_as
from common.database.session import execute
from common.images.references import unlink_some
from common.search.outbox import is_findable, note_deleted
from common.social import remove_some_posts_of_image
from common.tables import BatchItem, Image, Prediction, StoredObject, Visibility, WebhookDelivery

AT_ONCE = 500  # rows a transaction


@dataclass(frozen=True, slots=True)
class Removed:
    """The result of one transaction, for notifications after its COMMIT."""

    predictions: Sequence[UUID]  # requests may be waiting for them
    condemned: bytes | None = None  # the sha256 of the bytes, if no other image has them
    is_done: bool = True  # False: the image still exists with some of its rows


def remove_image(session: Session, image_id: UUID) -> Removed | None:
    """Delete an image and all rows that refer to it, or AT_ONCE of those; call it until `is_done`.
    Returns None if the image does not exist.

    The object is locked first, as by uploads, so that bytes which were just uploaded again are
    kept.
    """
    row = _lock(session, image_id)
    return remove_locked(session, row) if row else None


def _lock(session: Session, image_id: UUID) -> ImageAccess | None:
    """Lock the object, then the image; return the image, None if it does not exist."""
    this = Image.id == image_id
    digest = execute(session, select(Image.sha256).where(this)).scalar()
    if digest is None:
        return None
    stored = StoredObject.sha256 == digest
    execute(session, select(StoredObject.state).where(stored).with_for_update())
    columns = (Image.id, Image.owner_id, Image.sha256, Image.visibility, Image.posts)
    return first_as(ImageAccess, execute(session, select(*columns).where(this).with_for_update()))


def remove_locked(session: Session, row: ImageAccess) -> Removed:
    """Delete an image, whose row and object are locked, or AT_ONCE of the rows that refer to it."""
    image_id = row.id
    if remove_some_posts_of_image(session, image_id) >= AT_ONCE:
        return _hidden(session, image_id, row, [])
    predictions = _remove_predictions(session, image_id)
    left = AT_ONCE - len(predictions)
    if not left or unlink_some(session, image_id, left) == left:
        return _hidden(session, image_id, row, predictions)
    if is_findable(row):
        note_deleted(session, [image_id])
    execute(session, delete(Image).where(Image.id == image_id))
    return Removed(predictions, _condemn(session, row.sha256))


def _hidden(session: Session, image_id: UUID, row: ImageAccess, removed: Sequence[UUID]) -> Removed:
    """Hide an image that has more rows than one transaction deletes."""
    private = update(Image).where(Image.id == image_id).values(visibility=Visibility.PRIVATE)
    execute(session, private)
    if row.visibility != Visibility.PRIVATE:  # the next transactions cannot see that it was indexed
        note_deleted(session, [image_id])
    return Removed(removed, is_done=False)


def remove_images_of(session: Session, owner_id: UUID, limit: int) -> list[Removed]:
    """Remove up to `limit` images of an owner, or AT_ONCE rows of them; empty if no image is
    left.
    """
    all_removed: list[Removed] = []
    images = select(Image.id).where(Image.owner_id == owner_id).order_by(Image.id).limit(limit)
    for row in execute(session, images).all():
        if removed := remove_image(session, row.id):
            all_removed.append(removed)
        is_done = not all_removed or all_removed[-1].is_done
        if not is_done or sum(len(each.predictions) for each in all_removed) >= AT_ONCE:
            break
    return all_removed


def _remove_predictions(session: Session, image_id: UUID) -> Sequence[UUID]:
    some = select(Prediction.id).where(Prediction.image_id == image_id).limit(AT_ONCE)
    ids = sorted(execute(session, some).scalars())
    if not ids:
        return ids
    predictions = Prediction.id.in_(ids)
    # Locked in the same order as by an engine's batch.
    execute(
        session, select(Prediction.id).where(predictions).order_by(Prediction.id).with_for_update()
    )
    unlink = update(BatchItem).where(BatchItem.prediction_id.in_(ids))
    reason = {"error_code": "image_deleted", "error_detail": "The image was deleted."}
    execute(session, unlink.values(prediction_id=None, image_id=None, **reason))
    execute(session, delete(WebhookDelivery).where(WebhookDelivery.prediction_id.in_(ids)))
    execute(session, delete(Prediction).where(predictions))
    return ids


def _condemn(session: Session, digest: bytes) -> bytes | None:
    """Mark the object for deletion and return its digest, unless another image has the same
    bytes.
    """
    other = select(Image.id).where(Image.sha256 == digest).limit(1)
    if execute(session, other).first() is not None:
        return None
    ready = update(StoredObject).where(StoredObject.sha256 == digest, StoredObject.state == "ready")
    execute(session, ready.values(state="deleting"))
    return digest
