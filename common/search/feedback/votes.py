"""Current votes, in pages, in the order in which they were first cast."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from common.database.ids import FIRST_ID
from common.database.rows import rows_as
from common.database.session import execute
from common.search.feedback.query_terms import query_key
from common.tables import Image, Vote


class VoteRecord(NamedTuple):
    """A vote with the file name of its image; None if the image was deleted."""

    id: UUID
    query: str
    image_id: UUID
    file_name: str | None
    value: int
    weight: float
    voter: bytes
    search_id: UUID | None
    model: str | None
    created_at: datetime
    updated_at: datetime


def list_votes(
    session: Session, query: str | None, after: UUID | None, limit: int
) -> list[VoteRecord]:
    """Return up to `limit` votes with ids above `after`; if a query is given, only votes on queries
    of the same normalized form.
    """
    statement = (
        select(
            Vote.id, Vote.query, Vote.image_id, Image.file_name, Vote.value, Vote.weight,
            Vote.voter, Vote.search_id, Vote.model, Vote.created_at, Vote.updated_at,
        )
        .outerjoin(Image, Image.id == Vote.image_id)
        .where(Vote.id > (after or FIRST_ID))
        .order_by(Vote.id)
        .limit(limit)
    )  # fmt: skip
    if query is not None:
        statement = statement.where(Vote.query_key == query_key(query))
    return rows_as(VoteRecord, execute(session, statement))
