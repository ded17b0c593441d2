"""Rows other than posts and predictions that refer to an image, deleted or unlinked in pieces."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Executable, Select, and_, bindparam, delete, select, update
from sqlalchemy.orm import Session

from common.database.ids import new_id
from common.database.session import execute
from common.database.types import Id
from common.tables import BatchItem, Click, ComparedImage, IdempotencyKey, TermScore, Vote

_image = bindparam("image", type_=Id)
_substitute = bindparam("substitute", type_=Id)


@dataclass(frozen=True, slots=True)
class Reference:
    """The statements that select rows which refer to an image, and that change each of them."""

    select: Select[Any]
    change: Executable  # with the selected columns as parameters `its_…`


def _reference(refers: Any, columns: tuple[Any, ...], change: Any) -> Reference:
    key = and_(*(each == bindparam(f"its_{each.key}", type_=each.type) for each in columns))
    rows = select(*(each.label(f"its_{each.key}") for each in columns)).where(refers == _image)
    return Reference(rows.limit(bindparam("limit")), change.where(refers == _image, key))


_k, _s, _v, _c, _i = IdempotencyKey, TermScore, Vote, Click, BatchItem
_m = ComparedImage
# Votes and clicks are kept for statistics, under an id that belongs to no image.
REFERENCES = (
    _reference(_k.image_id, (_k.scope, _k.name), delete(_k)),
    _reference(_s.image_id, (_s.term_key,), delete(_s)),
    _reference(_v.image_id, (_v.id,), update(_v).values(image_id=_substitute)),
    _reference(_c.image_id, (_c.search_id,), update(_c).values(image_id=_substitute)),
    _reference(_m.image_id, (_m.image_id,), delete(_m)),
    _reference(_i.image_id, (_i.batch_id, _i.position), update(_i).values(image_id=None)),
)


def unlink_some(session: Session, image_id: UUID, limit: int) -> int:
    """Delete or unlink up to `limit` rows that refer to the image; returns their number."""
    count, ids = 0, {"image": image_id, "substitute": new_id()}
    for each in REFERENCES:
        if count >= limit:
            break
        rows = execute(session, each.select, {"image": image_id, "limit": limit - count})
        if changes := [dict(row) | ids for row in rows.mappings()]:
            execute(session, each.change, changes)
            count += len(changes)
    return count
