"""Score adjustments of images for a query, learned from votes.

A vote counts in full for queries of the same terms, and by half of their similarity for others that
share terms (see `common/search/feedback/query_terms.py`). Votes are smoothed by a prior, and votes
against an image weigh less than votes for it, so that no number of voters can move an image far
down.
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
from common.search.feedback.term_scores import VOTE
from common.tables import TermScore as Score

SHARED = 0.5  # share of a vote that counts through terms; the rest counts for the whole query
PRIOR = 1.0  # votes of no direction that are added to each sum
LARGEST_PENALTY = 0.3  # of votes against an image; the largest boost is 1
NOISE = 0.05  # of a vote; a smaller difference changes no score
BEST, WORST = 24, 12  # images that are read for each key


@dataclass(frozen=True, slots=True)
class Adjustments:
    """The boosts of images for a query, from -LARGEST_PENALTY to 1, and the liked and disliked
    images, those with the largest boosts first.

    `sinking` limits by how many places an image may sink: one per voter against it.
    """

    boosts: dict[UUID, float] = field(default_factory=dict)
    liked: list[UUID] = field(default_factory=list)
    disliked: list[UUID] = field(default_factory=list)
    sinking: dict[UUID, int] = field(default_factory=dict)


@lru_cache(maxsize=16)
def _scores_statement(keys: int) -> CompoundSelect[Any]:
    """Return the statement that reads the best and the worst images of `keys` keys, each from a
    range of an index. It is built once for each number of keys, because it runs for each search.
    """
    parts = []
    for number in range(keys):
        columns = (literal(number).label("number"), Score.image_id, Score.up, Score.down)
        of_key = Score.term_key == bindparam(f"key_{number}", type_=Id)
        best = select(*columns).where(of_key, Score.net > 0).order_by(Score.net.desc()).limit(BEST)
        worst = select(*columns).where(of_key, Score.net < 0).order_by(Score.net).limit(WORST)
        parts += [select(part.subquery()) for part in (best, worst)]
    return union_all(*parts)


def read_adjustments(session: Session, query: str) -> Adjustments:
    """Return the adjustments learned from votes on this query and on others that share terms with
    it; one statement.
    """
    keys = keys_of(query)
    parameters = {f"key_{number}": key for number, key in enumerate(keys.all)}
    rows = execute(session, _scores_statement(len(parameters)), parameters)
    return _adjustments(_vote_sums(keys, rows))


def _vote_sums(keys: Keys, rows: Iterable[Any]) -> dict[UUID, tuple[float, float]]:
    """Return the weighted votes for and against each image."""
    weights = [1 - SHARED, *(SHARED * share for share in keys.shares.values())]
    if not keys.shares:
        weights = [1.0]
    sums: defaultdict[UUID, tuple[float, float]] = defaultdict(lambda: (0.0, 0.0))
    for row in rows:
        weight = weights[row.number] / VOTE
        up, down = sums[row.image_id]
        sums[row.image_id] = (up + weight * row.up, down + weight * row.down)
    return sums


def _adjustments(sums: dict[UUID, tuple[float, float]]) -> Adjustments:
    boosts = {
        image: _boost(up, down) for image, (up, down) in sums.items() if abs(up - down) > NOISE
    }
    ranked = sorted(boosts, key=lambda image: (-abs(boosts[image]), image))
    disliked = [image for image in ranked if boosts[image] < 0]
    return Adjustments(
        boosts=boosts,
        liked=[image for image in ranked if boosts[image] > 0],
        disliked=disliked,
        sinking={image: _places(*sums[image]) for image in disliked},
    )


def _boost(up: float, down: float) -> float:
    confidence = (up - down) / (up + down + PRIOR)
    return confidence if confidence > 0 else LARGEST_PENALTY * confidence


def _places(up: float, down: float) -> int:
    """Return the number of voters against an image minus those for it, without rounding errors."""
    return ceil(down - up - NOISE)
