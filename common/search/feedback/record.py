"""Recording votes, and updating the term scores in the same transaction.

The influence of one voter is limited: for an image and a term they have one vote, under however
many queries with that term they vote; at most PER_IMAGE of their votes on an image count, and at
most PER_DAY on one day. Votes over these limits are stored with the weight 0.
"""

from collections import Counter
from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass, replace
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Date,
    Select,
    Update,
    bindparam,
    delete,
    func,
    insert,
    select,
    type_coerce,
    update,
)
from sqlalchemy.orm import Session

from common.database.ids import new_id
from common.database.session import execute, insert_missing, now
from common.database.types import Id
from common.search.feedback.query_terms import query_key, stored_form
from common.search.feedback.term_scores import VOTE, replace_votes, votes_by_key
from common.tables import Image, Vote, Voter

PER_IMAGE = 10
PER_DAY = 500
KEPT_DAYS = 365  # for which a vote counts, unless its voter repeats it
EXPIRE_LIMIT = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Opinion:
    """A vote as it is sent: the image matches the query (1), does not match (-1), or the vote is
    withdrawn (0).
    """

    query: str
    image_id: UUID
    value: int
    search_id: UUID | None = None
    model: str | None = None  # name@version of the model that answered the search
    day: date | None = None  # of the search; None: today


@dataclass(frozen=True, slots=True)
class _Stored:
    """A vote in the table."""

    id: UUID
    query: str
    value: int
    weight: int


_Key = tuple[UUID, bytes]  # image and query; a voter has at most one vote for each
_Votes = dict[_Key, _Stored]
CHANGED = ("value", "search_id", "model", "day")  # columns that a repeated vote replaces


def record(session: Session, voter: bytes, opinions: Sequence[Opinion]) -> None:
    """Store the voter's votes, which replace earlier ones on the same queries and images; the last
    one of several in `opinions` counts.
    """
    sent = {(each.image_id, query_key(each.query)): each for each in opinions}
    if not sent:
        return
    today, used = _lock_voter(session, voter)
    old = _read_votes(session, voter, {image for image, _ in sent})
    new = _replaced(old, sent, PER_DAY - used)
    _write(session, voter, today, old, new, sent)
    counted = sum(new[key].weight > 0 for key in new.keys() - old.keys())
    note = update(Voter).where(Voter.voter == voter)
    execute(session, note.values(day=today, votes=used + counted))
    replace_votes(session, _sums(old), _sums(new))


def expire_votes(session: Session) -> int:
    """Delete up to EXPIRE_LIMIT votes that are older than KEPT_DAYS days, and subtract them from
    the scores of images that still exist; returns the number of votes.
    """
    expired = (
        select(Vote.id, Vote.voter, Vote.image_id)
        .where(Vote.day < type_coerce(func.date(now(-KEPT_DAYS * 24 * 3600)), Date))
        .order_by(Vote.day)
        .limit(EXPIRE_LIMIT)
    )
    rows = execute(session, expired).all()
    ids = {row.id for row in rows}
    for voter, image in sorted({(row.voter, row.image_id) for row in rows}):
        _subtract(session, voter, image, ids)
    if rows:
        execute(session, delete(Vote).where(Vote.id.in_(ids)))
    return len(rows)


def _subtract(session: Session, voter: bytes, image: UUID, expired: Set[UUID]) -> None:
    """Subtract a voter's expired votes on an image from its scores."""
    has_row = execute(session, _voter_row(voter)).first() is not None
    _lock_voter(session, voter)
    old = _read_votes(session, voter, [image])
    new = {key: vote for key, vote in old.items() if vote.id not in expired}
    if execute(
        session, select(Image.id).where(Image.id == image).with_for_update(read=True)
    ).first():
        replace_votes(session, _sums(old), _sums(new))
    if not has_row:
        execute(session, delete(Voter).where(Voter.voter == voter))


def _today() -> ColumnElement[Any]:
    return type_coerce(func.date(now()), Date)


def _voter_row(voter: bytes) -> Select[Any]:
    columns = (Voter.day, Voter.votes, _today().label("today"))
    return select(*columns).where(Voter.voter == voter).with_for_update()


def _lock_voter(session: Session, voter: bytes) -> tuple[date, int]:
    """Lock the voter's row, so that their other requests wait; returns today's date and the number
    of their votes of today that count.
    """
    row = execute(session, _voter_row(voter)).first()
    if row is None:
        execute(session, insert_missing(Voter).values(voter=voter, votes=0, day=_today()))
        row = execute(session, _voter_row(voter)).one()
    return row.today, row.votes if row.day == row.today else 0


def _read_votes(session: Session, voter: bytes, images: Iterable[UUID]) -> _Votes:
    columns = (Vote.id, Vote.image_id, Vote.query_key, Vote.query, Vote.value, Vote.weight)
    votes = select(*columns).where(Vote.voter == voter, Vote.image_id.in_(sorted(images)))
    return {
        (row.image_id, row.query_key): _Stored(row.id, row.query, row.value, row.weight)
        for row in execute(session, votes)
    }


def _replaced(old: _Votes, sent: dict[_Key, Opinion], left: int) -> _Votes:
    """Return the votes after the request; at most `left` new ones count."""
    new = dict(old)
    counting = Counter(image for (image, _), vote in old.items() if vote.weight)
    for key, opinion in sent.items():
        image = key[0]
        if opinion.value == 0:
            new.pop(key, None)
        elif key in old:
            new[key] = replace(old[key], value=opinion.value)
        else:
            counts = counting[image] < PER_IMAGE and left > 0
            weight = VOTE if counts else 0
            new[key] = _Stored(new_id(), stored_form(opinion.query), opinion.value, weight)
            counting[image] += counts
            left -= counts
    return new


def _write(
    session: Session,
    voter: bytes,
    today: date,
    old: _Votes,
    new: _Votes,
    sent: dict[_Key, Opinion],
) -> None:
    if rows := [_row(voter, today, key, new[key], sent[key]) for key in new.keys() - old.keys()]:
        execute(session, insert(Vote), rows)
    if changes := [
        {"this": new[key].id} | {f"new_{k}": v for k, v in _changed(today, sent[key]).items()}
        for key in new.keys() & old.keys() & sent.keys()
    ]:
        execute(session, _replace_statement(), changes)
    if withdrawn := [old[key].id for key in old.keys() - new.keys()]:
        execute(session, delete(Vote).where(Vote.id.in_(withdrawn)))


def _replace_statement() -> Update:
    values = {name: bindparam(f"new_{name}", type_=getattr(Vote, name).type) for name in CHANGED}
    statement = update(Vote).where(Vote.id == bindparam("this", type_=Id))
    return statement.values(values).values(updated_at=now())


def _row(voter: bytes, today: date, key: _Key, vote: _Stored, opinion: Opinion) -> dict[str, Any]:
    image, query = key
    row = {"id": vote.id, "query": vote.query, "weight": vote.weight, "voter": voter}
    return row | {"image_id": image, "query_key": query} | _changed(today, opinion)


def _changed(today: date, opinion: Opinion) -> dict[str, Any]:
    return {name: getattr(opinion, name) for name in CHANGED} | {"day": opinion.day or today}


def _sums(votes: _Votes) -> Counter[tuple[UUID, UUID]]:
    """Return the sums of a voter's votes for each key and image, in thousandths."""
    by_image: dict[UUID, list[tuple[str, int]]] = {}
    for (image, _), vote in votes.items():
        by_image.setdefault(image, []).append((vote.query, vote.value * vote.weight))
    sums = Counter[tuple[UUID, UUID]]()
    for image, image_votes in by_image.items():
        sums.update({(key, image): value for key, value in votes_by_key(image_votes).items()})
    return sums
