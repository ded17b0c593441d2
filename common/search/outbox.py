"""The outbox of the search index: which images are findable, and which must be indexed (again).

Code that changes what the index holds of an image calls `note_changed` in the same transaction: a
prediction of it succeeds, a post of it is created, edited or deleted, its visibility changes. Code
that deletes an image calls `note_deleted`. A note is a prediction row of the task `index`. The
housekeeper announces it a moment later, so that several changes become one note.

An image that is in no search results (an anonymous caller's unlisted image) gets no note.
"""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, insert, or_, select
from sqlalchemy.orm import Session

from common.callers import HasVisibility
from common.database.ids import new_id
from common.database.session import execute, now
from common.tables import Image, Prediction, State, Visibility
from common.tasks.index import CONTRACT

SETTLE = 0.5  # seconds that a note waits for further changes of its image

# A condition on `images` that are in at least one account's search results; `is_findable` is the
# same for a row that has been read.
FINDABLE = or_(Image.owner_id.isnot(None), Image.visibility == Visibility.PUBLIC, Image.posts > 0)
_p = Prediction
# Locked, so that no engine claims a note before this transaction's change can be read. Rows locked
# by others are skipped: an additional note is harmless, waiting for each other is not.
NOTED = (
    select(_p.image_id)
    .where(
        _p.image_id.in_(bindparam("images", expanding=True)),
        _p.task == CONTRACT.name,
        _p.state == State.QUEUED,
    )
    .with_for_update(skip_locked=True)
)
NOTE = insert(_p).values(
    task=CONTRACT.name,
    deadline_at=now(CONTRACT.deadline),
    check_at=now(SETTLE),
)


def is_findable(image: HasVisibility) -> bool:
    """Return whether the image can be in search results."""
    is_public = image.visibility == Visibility.PUBLIC or bool(image.posts)
    return is_public or image.owner_id is not None


def note_changed(session: Session, images: Iterable[UUID]) -> None:
    """Queue these findable images for indexing, unless they are queued already."""
    if changed := set(images):
        queued = {row.image_id for row in execute(session, NOTED, {"images": sorted(changed)})}
        _write(session, [(id, id) for id in sorted(changed - queued)])


def note_deleted(session: Session, images: Iterable[UUID]) -> None:
    """Queue these images, whose rows are being deleted, for removal from the index."""
    _write(session, [(id, None) for id in sorted(set(images))])


def _write(session: Session, notes: list[tuple[UUID, UUID | None]]) -> None:
    """Insert a note for each image; it refers to the image's row if that will exist."""
    rows: list[dict[str, Any]] = [
        {"id": new_id(), "image_id": row, "params": {"image_id": str(image)}}
        for image, row in notes
    ]
    if rows:
        execute(session, NOTE, rows)
