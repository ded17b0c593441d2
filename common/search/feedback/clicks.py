"""Which results were looked at. They are counted, and move nothing: what stands on top is clicked
most wherever it belongs.
"""

from collections.abc import Iterable, Mapping
from datetime import date
from uuid import UUID

from sqlalchemy.orm import Session

from common.database.session import execute, insert_missing
from common.tables import Click

# Built once: making a statement costs as much as sending it.
ENTER = insert_missing(Click)


def note_clicks(
    session: Session,
    search_id: UUID,
    images: Iterable[UUID],
    found: Mapping[UUID, int],
    model: str | None,
    day: date,
) -> None:
    """These results of a search were looked at; `found` has the position of each, from 1."""
    about = {"search_id": search_id, "model": model, "day": day}
    rows = [about | {"image_id": id, "position": found.get(id)} for id in sorted(set(images))]
    if rows:
        execute(session, ENTER, rows)
