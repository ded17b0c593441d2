"""Read what an upload has stored: after an unanswered COMMIT, or for a repeated request."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from api.uploads.new_upload import Accepted, NewPredictions, NewUpload
from common.database.session import DatabaseUnavailable, execute
from common.predictions import find_records
from common.tables import Image, Prediction

# These lock the row, so that they wait for a COMMIT that is still in progress.
LOCK_PREDICTIONS = (
    select(Prediction.id)
    .where(Prediction.id.in_(bindparam("ids", expanding=True)))
    .with_for_update()
)
LOCK_IMAGE = select(Image.created_at).where(Image.id == bindparam("image")).with_for_update()


class Incomplete(DatabaseUnavailable):
    """Some rows of a committed upload have been deleted since."""


def recall_group(session: Session, uploads: Sequence[NewUpload]) -> datetime | None:
    """The time of the transaction that inserted these new uploads; None if it was rolled back.

    One row decides: the transaction inserted all of them or none.
    """
    row = execute(session, LOCK_IMAGE, {"image": uploads[0].image.id}).first()
    return row.created_at if row else None


def recall(session: Session, new: NewPredictions) -> Accepted | None:
    """What the transaction that inserted `new` has stored; None if it was rolled back."""
    image, ids = new.image.id, new.ids
    if not ids:
        row = execute(session, LOCK_IMAGE, {"image": image}).first()
        return Accepted(image, []) if row else None
    rows = execute(session, LOCK_PREDICTIONS, {"ids": sorted(ids)}).all()
    return find_accepted(session, image, ids) if rows else None


def find_accepted(session: Session, image: UUID, ids: Sequence[UUID]) -> Accepted:
    """The image and predictions that a committed transaction has stored.

    Raises Incomplete if some of them have been deleted since.
    """
    rows = find_records(session, ids)
    # If the owner had sent these bytes before, the predictions are of the image of that time.
    image = next((row.image_id for row in rows.values() if row.image_id), image)
    if session.get(Image, image) is None or len(rows) < len(ids):
        raise Incomplete("The upload has been deleted since.")
    return Accepted(image, [rows[id] for id in ids])


def how_to_check(new: NewPredictions) -> str:
    """The text of the error for a caller whose upload may or may not have been stored."""
    ids = new.ids
    path = f"/v1/predictions/{ids[0]}" if ids else f"/v1/images/{new.image.id}"
    return (
        "The database did not confirm that the upload was stored. "
        f"Send GET {path} in half a minute: if it is found, the upload was stored; if the answer "
        "is 404, send the upload again. With an Idempotency-Key it can be sent again at once."
    )
