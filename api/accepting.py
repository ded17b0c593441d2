"""What is asked becomes rows, in one transaction with the request's key, and then is announced."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Row, bindparam, select
from sqlalchemy.orm import Session

from api import keys
from api.context import Edge
from api.keys import Key
from api.measuring import note_asked
from api.rows import BY_IDS, Shown
from common.db import CommitUnknown, DatabaseUnavailable, execute, read, transact
from common.predictions import Ask, create
from common.predictions.caching import Known, create_known, find_known
from common.tables import Image, Prediction, State

# Built once: making a statement costs as much as sending it.
THEM = Prediction.id.in_(bindparam("ids", expanding=True))
TIMES = select(Prediction.id, Prediction.created_at, Prediction.deadline_at).where(THEM)


@dataclass(frozen=True, slots=True)
class Accepted:
    """The image that was stored, and the predictions that were asked of it."""

    image: UUID
    predictions: list[Shown]
    is_new: bool = True  # False: its owner had sent these bytes before


def enter(
    session: Session,
    edge: Edge,
    image: Image | Row[Any],
    asks: Sequence[Ask],
    is_known: bool,
) -> Accepted:
    """Write a row an ask. Of bytes that were known before, results may be known as well."""
    found = _known(session, edge, image, asks) if is_known else []
    answered = {known.ask.id for known in found}
    open_asks = [ask for ask in asks if ask.id not in answered]
    create(session, image, open_asks)
    create_known(session, image, found)
    # A caller who waits is shown the row as it is after the wait.
    times = _read(session, TIMES, [ask.id for ask in open_asks if not ask.interactive])
    rows: dict[UUID, Shown] = {ask.id: _row(image, ask, times.get(ask.id)) for ask in open_asks}
    rows |= _read(session, BY_IDS, sorted(answered))
    return Accepted(image.id, [rows[ask.id] for ask in asks])


def _known(
    session: Session, edge: Edge, image: Image | Row[Any], asks: Sequence[Ask]
) -> list[Known]:
    found = (
        find_known(session, image, ask, edge.models.answering(session, ask.task, ask.wanted_model))
        for ask in asks
        if not ask.fresh
    )
    return [known for known in found if known]


def _read(session: Session, statement: Any, ids: Sequence[UUID]) -> dict[UUID, Row[Any]]:
    return {row.id: row for row in execute(session, statement, {"ids": ids})} if ids else {}


def _row(image: Image | Row[Any], ask: Ask, times: Row[Any] | None) -> Prediction:
    """What was just written. Read back is only what the database's clock says: a whole row costs
    a millisecond.
    """
    return Prediction(
        id=ask.id,
        owner_id=ask.owner_id,
        visibility=image.visibility,
        task=ask.task,
        image_id=image.id,
        params=ask.params,
        caller_data=ask.caller_data,
        state=State.QUEUED,
        attempts=0,
        interactive=ask.interactive,
        cached=False,
        created_at=times.created_at if times else None,
        deadline_at=times.deadline_at if times else None,
    )


def commit(
    edge: Edge,
    write: Callable[[Session], Accepted],
    image: UUID,
    asks: Sequence[Ask],
    key: Key | None,
) -> Accepted:
    """Run `write` in the transaction that takes the key too, and announce what it queued.

    What an earlier request with the key has left is read instead.
    """
    if key is None:
        return _commit(edge, write, image, asks)
    if key.is_replayed:
        return _recall(edge, key)
    key.predictions = [ask.id for ask in asks]

    def write_with_key(session: Session) -> Accepted:
        key.image = image
        # First of all, so that those who come with the same key queue up here, holding nothing.
        keys.enter(session, key)
        return write(session)

    try:
        return _commit(edge, write_with_key, image, asks)
    except keys.Taken:
        read(edge.services.sessions, lambda session: keys.find(session, key))
        return _recall(edge, key)


def _recall(edge: Edge, key: Key) -> Accepted:
    """The rows of the earlier request as they stand. Announced they are, or the sweep does it."""
    image, ids = key.image, key.predictions
    if image is None or not key.is_replayed:
        raise keys.in_progress()
    return read(edge.services.sessions, lambda session: _look_again(session, image, ids))


def _commit(
    edge: Edge, write: Callable[[Session], Accepted], image: UUID, asks: Sequence[Ask]
) -> Accepted:
    sessions = edge.services.sessions
    try:
        accepted = transact(sessions, write)
    except CommitUnknown:
        # It may have happened: look, never insert again.
        ids = [ask.id for ask in asks]
        accepted = read(sessions, lambda session: _look_again(session, image, ids))
    note_asked(edge.services.metrics, accepted.predictions)
    for ask, row in zip(asks, accepted.predictions, strict=True):
        if row.state == State.QUEUED:
            edge.announcer.announce(ask.id, ask.task, ask.interactive)
    return accepted


def _look_again(session: Session, image: UUID, ids: Sequence[UUID]) -> Accepted:
    """What became of a transaction whose COMMIT was not answered: all of it, or nothing."""
    rows = _read(session, BY_IDS, ids)
    # Of bytes that their owner had sent before, it is the image that was there.
    found = next((row.image_id for row in rows.values()), image)
    if session.get(Image, found) is None or len(rows) < len(ids):
        raise DatabaseUnavailable("The upload was not stored; send it again.")
    return Accepted(found, [rows[id] for id in ids])
