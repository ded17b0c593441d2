"""Write votes down, and in the same transaction what follows from them.

What one voter can do is bounded. Of an image they have one voice for a term, under however many
queries with that term they vote; no more than PER_IMAGE of their votes on it count, and no more
than PER_DAY of a day. What is over is kept, and moves nothing.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import Date, bindparam, delete, func, insert, select, type_coerce, update
from sqlalchemy.orm import Session

from common.database.ids import new_id
from common.database.session import execute, insert_missing, now
from common.database.types import Hash, Id
from common.search.feedback.query_terms import kept, query_key
from common.search.feedback.term_scores import VOICE, learn, voices
from common.tables import Image, Vote, Voter

PER_IMAGE = 10
PER_DAY = 500
KEPT_DAYS = 365  # that a vote counts, unless its voter repeats it
EXPIRED_AT_ONCE = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Opinion:
    """That an image is what a query asked for (1), is not (-1), or that nothing is said (0)."""

    query: str
    image_id: UUID
    value: int
    search_id: UUID | None = None
    model: str | None = None  # name@version of what answered the search
    day: date | None = None  # of the search; None: today


@dataclass(frozen=True, slots=True)
class _Held:
    """A vote as it stands."""

    id: UUID
    query: str
    value: int
    weight: int


_Place = tuple[UUID, bytes]  # image and query: a voter has one vote there
_Votes = dict[_Place, _Held]

# Built once: making a statement costs as much as sending it.
_v = Vote
TODAY = type_coerce(func.date(now()), Date)
MINE = Voter.voter == bindparam("mine", type_=Hash)
HOLD = select(Voter.day, Voter.votes, TODAY.label("today")).where(MINE).with_for_update()
ENTER_VOTER = insert_missing(Voter).values(votes=0, day=TODAY)
FORGET_VOTER = delete(Voter).where(MINE)
NOTE_VOTER = update(Voter).where(MINE).values(day=bindparam("today"), votes=bindparam("new_votes"))
OF_IMAGES = select(_v.id, _v.image_id, _v.query_key, _v.query, _v.value, _v.weight).where(
    _v.voter == bindparam("mine", type_=Hash),
    _v.image_id.in_(bindparam("images", expanding=True)),
)
ENTER = insert(_v)
CHANGED = ("value", "search_id", "model", "day")
REPLACE = (
    update(_v)
    .where(_v.id == bindparam("this", type_=Id))
    .values({name: bindparam(f"new_{name}", type_=getattr(_v, name).type) for name in CHANGED})
    .values(updated_at=now())
)
OLD = (
    select(_v.id, _v.voter, _v.image_id)
    .where(_v.day < type_coerce(func.date(now(-KEPT_DAYS * 24 * 3600)), Date))
    .order_by(_v.day)
    .limit(EXPIRED_AT_ONCE)
)
IS_THERE = (
    select(Image.id).where(Image.id == bindparam("image", type_=Id)).with_for_update(read=True)
)
TAKE_BACK = delete(_v).where(_v.id.in_(bindparam("ids", expanding=True)))


def record(session: Session, voter: bytes, opinions: Sequence[Opinion]) -> None:
    """Make these the voter's votes: of the same query and image, the last one counts."""
    asked = {(each.image_id, query_key(each.query)): each for each in opinions}
    if not asked:
        return
    today, used = _hold(session, voter)
    before = _votes(session, voter, {image for image, _ in asked})
    after = _after(before, asked, PER_DAY - used)
    _write(session, voter, today, before, after, asked)
    counted = sum(after[place].weight > 0 for place in after.keys() - before.keys())
    execute(session, NOTE_VOTER, {"mine": voter, "today": today, "new_votes": used + counted})
    learn(session, _voices(before), _voices(after))


def expire_votes(session: Session) -> int:
    """Take back up to EXPIRED_AT_ONCE votes of more than KEPT_DAYS days ago, and what was learnt
    from them; returns how many. Of an image that is gone nothing is left to unlearn.
    """
    rows = execute(session, OLD).all()
    for voter, image in sorted({(row.voter, row.image_id) for row in rows}):
        is_known = execute(session, HOLD, {"mine": voter}).first() is not None
        _hold(session, voter)
        before = _votes(session, voter, [image])
        old = {row.id for row in rows}
        after = {place: held for place, held in before.items() if held.id not in old}
        if execute(session, IS_THERE, {"image": image}).first():
            learn(session, _voices(before), _voices(after))
        if not is_known:
            execute(session, FORGET_VOTER, {"mine": voter})
    if rows:
        execute(session, TAKE_BACK, {"ids": [row.id for row in rows]})
    return len(rows)


def _hold(session: Session, voter: bytes) -> tuple[date, int]:
    """Today, and how many of the voter's votes of today count; the voter's other requests wait."""
    row = execute(session, HOLD, {"mine": voter}).first()
    if row is None:
        execute(session, ENTER_VOTER, {"voter": voter})
        row = execute(session, HOLD, {"mine": voter}).one()
    return row.today, row.votes if row.day == row.today else 0


def _votes(session: Session, voter: bytes, images: Iterable[UUID]) -> _Votes:
    rows = execute(session, OF_IMAGES, {"mine": voter, "images": sorted(images)})
    return {
        (row.image_id, row.query_key): _Held(row.id, row.query, row.value, row.weight)
        for row in rows
    }


def _after(before: _Votes, asked: dict[_Place, Opinion], left: int) -> _Votes:
    """The votes as they will stand; `left` more may count today."""
    after = dict(before)
    counting = Counter(image for (image, _), held in before.items() if held.weight)
    for place, opinion in asked.items():
        if opinion.value == 0:
            after.pop(place, None)
        elif place in before:
            after[place] = replace(before[place], value=opinion.value)
        else:
            counts = counting[place[0]] < PER_IMAGE and left > 0
            weight = VOICE if counts else 0
            after[place] = _Held(new_id(), kept(opinion.query), opinion.value, weight)
            counting[place[0]] += counts
            left -= counts
    return after


def _write(
    session: Session,
    voter: bytes,
    today: date,
    before: _Votes,
    after: _Votes,
    asked: dict[_Place, Opinion],
) -> None:
    new = [_row(voter, today, place, after[place], asked[place]) for place in after.keys() - before]
    other = [
        {"this": after[place].id} | {f"new_{k}": v for k, v in _said(today, asked[place]).items()}
        for place in after.keys() & before.keys() & asked.keys()
    ]
    gone = [before[place].id for place in before.keys() - after]
    for statement, rows in ((ENTER, new), (REPLACE, other), (TAKE_BACK, gone and {"ids": gone})):
        if rows:
            execute(session, statement, rows)


def _row(voter: bytes, today: date, place: _Place, held: _Held, opinion: Opinion) -> dict[str, Any]:
    image, key = place
    about = {"id": held.id, "query": held.query, "weight": held.weight}
    return about | {"voter": voter, "image_id": image, "query_key": key} | _said(today, opinion)


def _said(today: date, opinion: Opinion) -> dict[str, Any]:
    return {name: getattr(opinion, name) for name in CHANGED} | {"day": opinion.day or today}


def _voices(votes: _Votes) -> Counter[tuple[UUID, UUID]]:
    """What the voter says of each image for each key, in thousandths."""
    by_image: dict[UUID, list[tuple[str, int]]] = {}
    for (image, _), held in votes.items():
        by_image.setdefault(image, []).append((held.query, held.value * held.weight))
    said = Counter[tuple[UUID, UUID]]()
    for image, theirs in by_image.items():
        said.update({(key, image): value for key, value in voices(theirs).items()})
    return said
