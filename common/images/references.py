"""What else refers to an image than its posts and predictions, removed or unlinked in pieces."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Executable, Select, and_, bindparam, delete, select, update
from sqlalchemy.orm import Session

from common.database.ids import new_id
from common.database.session import execute
from common.database.types import Id
from common.tables import BatchItem, Click, IdempotencyKey, Lesson, Vote

_image = bindparam("image", type_=Id)
_stand_in = bindparam("stand_in", type_=Id)


@dataclass(frozen=True, slots=True)
class Hanging:
    """Rows that refer to an image: how they are found, and what is done to each."""

    find: Select[Any]
    change: Executable  # by the names of the columns found, as `its_…`


def _hanging(refers: Any, columns: tuple[Any, ...], change: Any) -> Hanging:
    these = and_(*(each == bindparam(f"its_{each.key}", type_=each.type) for each in columns))
    find = select(*(each.label(f"its_{each.key}") for each in columns)).where(refers == _image)
    return Hanging(find.limit(bindparam("most")), change.where(refers == _image, these))


_k, _l, _v, _c, _i = IdempotencyKey, Lesson, Vote, Click, BatchItem
# Votes and clicks are counted for as long as they are kept: they go on under an id of no image.
HANGING = (
    _hanging(_k.image_id, (_k.scope, _k.name), delete(_k)),
    _hanging(_l.image_id, (_l.term_key,), delete(_l)),
    _hanging(_v.image_id, (_v.id,), update(_v).values(image_id=_stand_in)),
    _hanging(_c.image_id, (_c.search_id,), update(_c).values(image_id=_stand_in)),
    _hanging(_i.image_id, (_i.batch_id, _i.position), update(_i).values(image_id=None)),
)


def unlink_some(session: Session, image_id: UUID, most: int) -> int:
    """Remove or unlink up to `most` rows that refer to the image; returns how many there were."""
    count, about = 0, {"image": image_id, "stand_in": new_id()}
    for each in HANGING:
        if count >= most:
            break
        rows = execute(session, each.find, {"image": image_id, "most": most - count}).mappings()
        if found := [dict(row) | about for row in rows]:
            execute(session, each.change, found)
            count += len(found)
    return count
