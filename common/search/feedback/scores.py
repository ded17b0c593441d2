"""What a query has learnt: which images its voters found right or wrong, and how sure that is.

A vote counts in full for queries of the same terms, and by half of their likeness for others that
share terms (see `common/search/feedback/query_terms.py`). Votes are smoothed by a prior, and
outweighed by those in favour, so that no number of voters against an image does more than make it
a little worse.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from math import ceil
from typing import Any
from uuid import UUID

from sqlalchemy import CompoundSelect, bindparam, literal, select, union_all
from sqlalchemy.orm import Session

from common.database.session import execute
from common.database.types import Id
from common.search.feedback.query_terms import Keys, keys_of
from common.search.feedback.term_scores import VOICE
from common.tables import Lesson

SHARED = 0.5  # of a voice comes through terms, the rest through the whole query
PRIOR = 1.0  # votes that nobody cast and that say nothing
MOST_AGAINST = 0.3  # how far down votes can move an image, where 1 is how far up
NOISE = 0.05  # of a voice; less is not worth moving anything for
BEST, WORST = 24, 12  # images that are looked at for each key


@dataclass(frozen=True, slots=True)
class Learnt:
    """By how much to move images, from -MOST_AGAINST to 1; those that lead the way, surest first.

    `sinking` says how many places an image may sink at most: one a voter against it.
    """

    boosts: dict[UUID, float] = field(default_factory=dict)
    liked: list[UUID] = field(default_factory=list)
    disliked: list[UUID] = field(default_factory=list)
    sinking: dict[UUID, int] = field(default_factory=dict)


@lru_cache(maxsize=16)
def _lessons(keys: int) -> CompoundSelect[Any]:
    """The best and the worst images of so many keys, in one statement: a step along an index each.

    Built once: making a statement costs more than sending it.
    """
    parts = []
    for number in range(keys):
        about = (literal(number).label("number"), Lesson.image_id, Lesson.up, Lesson.down)
        this = Lesson.term_key == bindparam(f"key_{number}", type_=Id)
        best = select(*about).where(this, Lesson.net > 0).order_by(Lesson.net.desc()).limit(BEST)
        worst = select(*about).where(this, Lesson.net < 0).order_by(Lesson.net).limit(WORST)
        parts += [select(part.subquery()) for part in (best, worst)]
    return union_all(*parts)


def learnt(session: Session, query: str) -> Learnt:
    """What votes on this query, and on others that share terms with it, say; one statement."""
    keys = keys_of(query)
    wanted = {f"key_{number}": key for number, key in enumerate(keys.all)}
    rows = execute(session, _lessons(len(wanted)), wanted)
    return _judged(_added_up(keys, rows))


def _added_up(keys: Keys, rows: Iterable[Any]) -> dict[UUID, tuple[float, float]]:
    """Voices for and against each image."""
    weights = [1 - SHARED, *(SHARED * share for share in keys.shares.values())]
    if not keys.shares:
        weights = [1.0]
    sums: defaultdict[UUID, tuple[float, float]] = defaultdict(lambda: (0.0, 0.0))
    for row in rows:
        weight = weights[row.number] / VOICE
        up, down = sums[row.image_id]
        sums[row.image_id] = (up + weight * row.up, down + weight * row.down)
    return sums


def _judged(sums: dict[UUID, tuple[float, float]]) -> Learnt:
    sure = {image: _boost(up, down) for image, (up, down) in sums.items() if abs(up - down) > NOISE}
    ranked = sorted(sure, key=lambda image: (-abs(sure[image]), image))
    disliked = [image for image in ranked if sure[image] < 0]
    return Learnt(
        boosts=sure,
        liked=[image for image in ranked if sure[image] > 0],
        disliked=disliked,
        sinking={image: _places(*sums[image]) for image in disliked},
    )


def _boost(up: float, down: float) -> float:
    sureness = (up - down) / (up + down + PRIOR)
    return sureness if sureness > 0 else MOST_AGAINST * sureness


def _places(up: float, down: float) -> int:
    """One a voter who was not contradicted; what rounding adds is no voter."""
    return ceil(down - up - NOISE)
