"""Which images can be found, and the note that one of them is to be indexed (again).

Whoever changes what is known of an image calls `note_changed` in the same transaction: a prediction
of it succeeds, a post of it is written, edited or taken away, it becomes public or private. Whoever
deletes one calls `note_deleted`. A note is a row of the task `index`; the housekeeper announces it
a moment later, so that several changes at once become one.

What is in nobody's results, an anonymous caller's unlisted image, costs nothing here.
"""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from sqlalchemy import Row, bindparam, insert, or_, select
from sqlalchemy.orm import Session

from common.database.ids import new_id
from common.database.session import execute, now
from common.tables import Image, Prediction, State, Visibility
from common.tasks.index import CONTRACT

SETTLE = 0.5  # seconds that a note waits for others of the same image

# Of `images`: in somebody's results. `is_findable` says it of one that is at hand.
FINDABLE = or_(Image.owner_id.isnot(None), Image.visibility == Visibility.PUBLIC, Image.posts > 0)
# Built once: making a statement costs as much as sending it.
_p = Prediction
# Locked, so that no engine takes a note before this transaction's change is there to be read; what
# others hold is skipped: a note too many does no harm, waiting for each other would.
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


def is_findable(image: Image | Row[Any]) -> bool:
    """Whether the image can be in anybody's results."""
    is_public = image.visibility == Visibility.PUBLIC or bool(image.posts)
    return is_public or image.owner_id is not None


def note_changed(session: Session, images: Iterable[UUID]) -> None:
    """Have these findable images indexed, unless that is noted already."""
    if changed := set(images):
        noted = {row.image_id for row in execute(session, NOTED, {"images": sorted(changed)})}
        _write(session, [(id, id) for id in sorted(changed - noted)])


def note_deleted(session: Session, images: Iterable[UUID]) -> None:
    """Have these images, whose rows are going, taken out of the index."""
    _write(session, [(id, None) for id in sorted(set(images))])


def _write(session: Session, notes: list[tuple[UUID, UUID | None]]) -> None:
    """A note on each image; with its id as a reference too, where there will be a row to refer
    to.
    """
    rows: list[dict[str, Any]] = [
        {"id": new_id(), "image_id": row, "params": {"image_id": str(image)}}
        for image, row in notes
    ]
    if rows:
        execute(session, NOTE, rows)
