"""What is asked becomes rows, in one transaction with the request's key, and then is announced."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from sqlalchemy import Row, bindparam, select
from sqlalchemy.orm import Session

from api.http import idempotency_store
from api.http.access_log import note_predictions
from api.http.idempotency_store import Key
from api.predictions.queries import check_visible
from api.state import AppState
from common.database.session import (
    CommitUnknown,
    DatabaseUnavailable,
    execute,
    read,
    recalled,
    transact,
)
from common.errors import NotFound
from common.predictions import (
    PredictionRecord,
    TaskRequest,
    create,
    find_records,
    queued_record,
)
from common.predictions.result_cache import CachedResult, create_cached, find_cached
from common.tables import Image, Prediction, State

# Read under a lock, so that a COMMIT which is still under way is waited for.
HOLD_PREDICTIONS = (
    select(Prediction.id)
    .where(Prediction.id.in_(bindparam("ids", expanding=True)))
    .with_for_update()
)
HOLD_IMAGE = select(Image.id).where(Image.id == bindparam("image")).with_for_update()


class Incomplete(DatabaseUnavailable):
    """Not all rows of a request are there any more: they have been deleted since."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """The image that was stored, and the predictions that were asked of it."""

    image: UUID
    predictions: list[PredictionRecord]
    is_new: bool = True  # False: its owner had sent these bytes before


def enter(
    session: Session,
    app_state: AppState,
    image: Image | Row[Any],
    task_requests: Sequence[TaskRequest],
    at: datetime,
    is_known: bool,
) -> Accepted:
    """Write a row an ask, as of the time `at`. Of bytes that were known, results may be as well."""
    found = _known(session, app_state, image, task_requests) if is_known else []
    answered = {known.ask.id for known in found}
    open_asks = [ask for ask in task_requests if ask.id not in answered]
    create(session, image, open_asks, at)
    create_cached(session, image, found, at)
    rows = {ask.id: queued_record(image, ask, at) for ask in open_asks}
    rows |= find_records(session, sorted(answered))
    return Accepted(image.id, [rows[ask.id] for ask in task_requests])


def _known(
    session: Session,
    app_state: AppState,
    image: Image | Row[Any],
    task_requests: Sequence[TaskRequest],
) -> list[CachedResult]:
    found = (
        find_cached(
            session, image, ask, app_state.models.answering(session, ask.task, ask.wanted_model)
        )
        for ask in task_requests
        if not ask.fresh
    )
    return [known for known in found if known]


def commit(
    app_state: AppState,
    write: Callable[[Session], Accepted],
    image: UUID,
    task_requests: Sequence[TaskRequest],
    key: Key | None,
    among_others: Callable[[], Accepted | None] | None = None,
) -> Accepted:
    """Run `write` in the transaction that takes the key too, and announce what it queued. Without a
    key `among_others` may do it in a transaction with other requests' instead.

    What an earlier request with the key has left is read instead.
    """
    if key is None:
        return _commit(app_state, write, image, task_requests, among_others)
    if key.is_replayed:
        return _recall(app_state, key)
    key.predictions = [ask.id for ask in task_requests]

    def write_with_key(session: Session) -> Accepted:
        key.image = image
        # First of all, so that those who come with the same key queue up here, holding nothing.
        idempotency_store.enter(session, key)
        return write(session)

    try:
        return _commit(app_state, write_with_key, image, task_requests)
    except idempotency_store.Taken:
        read(app_state.services.sessions, lambda session: idempotency_store.find(session, key))
        return _recall(app_state, key)


def _recall(app_state: AppState, key: Key) -> Accepted:
    """The rows of the earlier request as they stand. Announced they are, or the sweep does it."""
    image, ids = key.image, key.predictions
    if image is None or not key.is_replayed:
        raise idempotency_store.in_progress()
    try:
        accepted = read(
            app_state.services.sessions, lambda session: _look_again(session, image, ids)
        )
        check_visible(accepted.image)
        return accepted
    except Incomplete as error:
        detail = "What was sent with this key has been deleted since."
        raise NotFound(detail, code="image_not_found") from error


def _commit(
    app_state: AppState,
    write: Callable[[Session], Accepted],
    image: UUID,
    task_requests: Sequence[TaskRequest],
    among_others: Callable[[], Accepted | None] | None = None,
) -> Accepted:
    sessions = app_state.services.sessions
    recall = partial(_stored, image=image, ids=[ask.id for ask in task_requests])
    try:
        try:
            accepted = among_others() if among_others else None
        except CommitUnknown:
            accepted = recalled(sessions, recall)
        accepted = accepted or transact(sessions, write, recall)
    except CommitUnknown as error:
        raise CommitUnknown(_how_to_find_out(image, task_requests)) from error
    note_predictions(app_state.services.metrics, accepted.predictions)
    for ask, row in zip(task_requests, accepted.predictions, strict=True):
        if row.state == State.QUEUED:
            app_state.announcer.announce(ask.id, ask.task, ask.interactive)
    return accepted


def _stored(session: Session, image: UUID, ids: Sequence[UUID]) -> Accepted | None:
    """What a transaction whose COMMIT was not answered has stored; None: it was rolled back."""
    if not ids:
        return (
            Accepted(image, []) if execute(session, HOLD_IMAGE, {"image": image}).first() else None
        )
    held = execute(session, HOLD_PREDICTIONS, {"ids": sorted(ids)}).all()
    return _look_again(session, image, ids) if held else None


def _how_to_find_out(image: UUID, task_requests: Sequence[TaskRequest]) -> str:
    where = f"/v1/predictions/{task_requests[0].id}" if task_requests else f"/v1/images/{image}"
    return (
        "The database did not confirm that the upload was stored. "
        f"Send GET {where} in half a minute: if it is found, the upload was stored; if the answer "
        "is 404, send the upload again. With an Idempotency-Key it can be sent again at once."
    )


def _look_again(session: Session, image: UUID, ids: Sequence[UUID]) -> Accepted:
    """The rows of a transaction that was committed; raises Incomplete when some are gone."""
    rows = find_records(session, ids)
    # Of bytes that their owner had sent before, it is the image that was there.
    found = next((row.image_id for row in rows.values()), None) or image
    if session.get(Image, found) is None or len(rows) < len(ids):
        raise Incomplete("The upload has been deleted since.")
    return Accepted(found, [rows[id] for id in ids])
