"""Votes as they stand, a page at a time in the order in which they were first cast."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, bindparam, select
from sqlalchemy.orm import Session

from common.database.session import execute
from common.database.types import Hash, Id
from common.search.feedback.query_terms import query_key
from common.tables import Image, Vote

NONE = UUID(int=0)  # before all of them

# Built once: making a statement costs as much as sending it.
_v = Vote
ALL = (
    select(
        _v.id, _v.query, _v.image_id, Image.file_name, _v.value, _v.weight, _v.voter,
        _v.search_id, _v.model, _v.created_at, _v.updated_at,
    )
    .outerjoin(Image, Image.id == _v.image_id)
    .where(_v.id > bindparam("after", type_=Id))
    .order_by(_v.id)
    .limit(bindparam("most"))
)  # fmt: skip
OF_QUERY = ALL.where(_v.query_key == bindparam("key", type_=Hash))


def page(session: Session, query: str | None, after: UUID | None, limit: int) -> Sequence[Row[Any]]:
    """Up to `limit` votes after the id `after`; with a query, only the votes on it."""
    place = {"after": after or NONE, "most": limit}
    if query is None:
        return execute(session, ALL, place).all()
    return execute(session, OF_QUERY, place | {"key": query_key(query)}).all()
