"""The sums of votes for and against an image, by term."""

from collections import Counter
from collections.abc import Iterable, Mapping
from uuid import UUID

from sqlalchemy import bindparam, delete, update
from sqlalchemy.orm import Session

from common.database.session import execute, insert_missing
from common.database.types import Id
from common.search.feedback.query_terms import keys_of
from common.tables import TermScore

VOTE = 1_000  # one vote, in the thousandths in which scores are stored

_Pair = tuple[UUID, UUID]  # key and image

# Several rows are updated for each vote, so this statement is built once.
_s = TermScore
_PAIR = (_s.term_key == bindparam("key", type_=Id), _s.image_id == bindparam("image", type_=Id))
ADD = (
    update(_s)
    .where(*_PAIR)
    .values(
        up=_s.up + bindparam("more_up"),
        down=_s.down + bindparam("more_down"),
        net=_s.net + bindparam("more_up") - bindparam("more_down"),
    )
)


def votes_by_key(votes: Iterable[tuple[str, int]]) -> dict[UUID, int]:
    """Return the sums of one voter's votes (query, thousandths) on one image for each key, each
    limited to one vote for or against.
    """
    sums = Counter[UUID]()
    for query, value in votes:
        keys = keys_of(query)
        sums[keys.whole] += value
        for key, share in keys.shares.items():
            sums[key] += round(value * share)
    return {key: max(-VOTE, min(VOTE, value)) for key, value in sums.items()}


def replace_votes(session: Session, old: Mapping[_Pair, int], new: Mapping[_Pair, int]) -> None:
    """Replace a voter's old sums by the new ones in the scores.

    Rows are updated in the order of their keys, so that voters on the same images do not deadlock.
    """
    for pair in sorted(old.keys() | new.keys()):
        was, becomes = old.get(pair, 0), new.get(pair, 0)
        if was != becomes:
            up, down = max(becomes, 0) - max(was, 0), max(-becomes, 0) - max(-was, 0)
            _add(session, pair, up, down)


def _add(session: Session, pair: _Pair, up: int, down: int) -> None:
    key, image = pair
    change = {"key": key, "image": image, "more_up": up, "more_down": down}
    if not execute(session, ADD, change).rowcount:
        empty = {"term_key": key, "image_id": image, "up": 0, "down": 0, "net": 0}
        execute(session, insert_missing(_s), empty)
        execute(session, ADD, change)
    elif up < 0 or down < 0:
        delete_empty = delete(_s).where(*_PAIR, _s.up == 0, _s.down == 0)
        execute(session, delete_empty, {"key": key, "image": image})
