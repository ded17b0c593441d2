"""Visits to search results. They are counted but do not change scores, because the first results
are visited most whether they are relevant or not.
"""

from collections.abc import Iterable, Mapping
from datetime import date
from uuid import UUID

from sqlalchemy.orm import Session

from common.database.session import execute, insert_missing
from common.tables import Click


def note_clicks(
    session: Session,
    search_id: UUID,
    images: Iterable[UUID],
    positions: Mapping[UUID, int],
    model: str | None,
    day: date,
) -> None:
    """Record visits to these results of a search; `positions` are their places, from 1."""
    search = {"search_id": search_id, "model": model, "day": day}
    rows = [search | {"image_id": id, "position": positions.get(id)} for id in sorted(set(images))]
    if rows:
        execute(session, insert_missing(Click), rows)
