"""What votes add up to: for a term and an image, so many voices for it and so many against it."""

from collections import Counter
from collections.abc import Iterable, Mapping
from uuid import UUID

from sqlalchemy import bindparam, delete, update
from sqlalchemy.orm import Session

from common.database.session import execute, insert_missing
from common.database.types import Id
from common.search.feedback.query_terms import keys_of
from common.tables import Lesson

VOICE = 1_000  # one vote, in the thousandths that lessons are kept in

_Pair = tuple[UUID, UUID]  # key and image

# Built once: making a statement costs as much as sending it.
_l = Lesson
ENTER = insert_missing(_l)
ADD = (
    update(_l)
    .where(_l.term_key == bindparam("key", type_=Id), _l.image_id == bindparam("image", type_=Id))
    .values(
        up=_l.up + bindparam("more_up"),
        down=_l.down + bindparam("more_down"),
        net=_l.net + bindparam("more_up") - bindparam("more_down"),
    )
)
FORGET_EMPTY = delete(_l).where(
    _l.term_key == bindparam("key", type_=Id),
    _l.image_id == bindparam("image", type_=Id),
    _l.up == 0,
    _l.down == 0,
)


def voices(votes: Iterable[tuple[str, int]]) -> dict[UUID, int]:
    """What one voter's votes (query, thousandths) on one image say for each key: one voice at most,
    for or against, however often it was raised.
    """
    said = Counter[UUID]()
    for query, value in votes:
        keys = keys_of(query)
        said[keys.whole] += value
        for key, share in keys.shares.items():
            said[key] += round(value * share)
    return {key: max(-VOICE, min(VOICE, value)) for key, value in said.items()}


def learn(session: Session, before: Mapping[_Pair, int], after: Mapping[_Pair, int]) -> None:
    """Put what a voter says now in the place of what they said before.

    In one order for all, so that two who vote on the same images do not lock each other out.
    """
    for pair in sorted(before.keys() | after.keys()):
        was, is_now = before.get(pair, 0), after.get(pair, 0)
        if was != is_now:
            up, down = max(is_now, 0) - max(was, 0), max(-is_now, 0) - max(-was, 0)
            _add(session, pair, up, down)


def _add(session: Session, pair: _Pair, up: int, down: int) -> None:
    key, image = pair
    more = {"key": key, "image": image, "more_up": up, "more_down": down}
    if not execute(session, ADD, more).rowcount:
        execute(session, ENTER, {"term_key": key, "image_id": image, "up": 0, "down": 0, "net": 0})
        execute(session, ADD, more)
    elif up < 0 or down < 0:
        execute(session, FORGET_EMPTY, {"key": key, "image": image})
