"""Batches: create one in a single transaction, read it page by page, cancel it, retry it."""

import json
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import Any
from uuid import UUID

from flask import Request, Response
from sqlalchemy.orm import Session

from api.batches.items import LINES, read_items, read_values
from api.batches.schemas import result_view
from api.http import idempotency_store
from api.http.access_log import note_batch
from api.http.body.parser import LARGE
from api.http.body.reader import read_whole
from api.http.idempotency import idempotency_key
from api.http.idempotency_store import Key, Taken
from api.http.pagination import Page, read_page
from api.limits import quotas
from api.state import app_state, current_user, read, services, write
from common import batches
from common.batches import BatchRecord, Item, ItemRecord
from common.callers import Caller, may_see
from common.database import session as database
from common.database.ids import new_id, parse_id
from common.database.session import explain_unknown_commit
from common.errors import NotFound
from common.tables import State
from common.tasks import contract

RESULTS_AT_ONCE = 50  # rows that one query reads: results may be large
NEW, RETRIABLE = (State.QUEUED,), (State.FAILED, State.EXPIRED)


def take(request: Request) -> UUID:
    """Create the batch that the body of the request describes, and return its id.

    Raises what `read_values` and `read_items` raise, TooManyRequests, InProgress, Unavailable.
    """
    raw = read_whole(request, LARGE)
    values = read_values(raw, request.mimetype)
    key = idempotency_key(raw, None, {})
    if key and key.is_replayed and key.resource:
        return key.resource
    items = list(read_items(values))
    with app_state().in_flight.alone(key):
        try:
            return _create(new_id(), items, key)
        except Taken as taken:
            return _replay(taken.key)


def _create(id: UUID, items: Sequence[Item], key: Key | None) -> UUID:
    """Insert the batch and its key in one transaction, and announce its predictions."""
    insert = partial(_insert, id=id, caller=current_user(), items=items, key=key)
    units = _units(items)
    with quotas.work(sum(units.values())) as work, explain_unknown_commit(_how_to_check(id)):
        created = write(insert, recall=partial(_recall, id=id))
        work.spent = sum(units[prediction] for prediction, _ in created)
    note_batch(services().metrics, id, created)
    _announce(created)
    return id


def _insert(
    session: Session, id: UUID, caller: Caller, items: Sequence[Item], key: Key | None
) -> list[tuple[UUID, str]]:
    """Insert the batch; the id and task of each prediction that was created."""
    if key:
        idempotency_store.insert(session, key, id)
    return batches.insert_batch(session, id, caller, items)


def _recall(session: Session, id: UUID) -> list[tuple[UUID, str]] | None:
    """The id and task of each prediction that `_insert` created; None if it was rolled back."""
    return batches.predictions_of(session, id, NEW) if batches.lock(session, id) else None


def _how_to_check(id: UUID) -> str:
    return (
        "The database did not confirm that the batch was stored. "
        f"Send GET /v1/batches/{id} in half a minute: if it is found, the batch was stored; "
        "if the answer is 404, send it again."
    )


def _units(items: Sequence[Item]) -> dict[UUID, int]:
    """The units of work of each prediction that the batch asks for, by its id."""
    requested = [(item.image_id, item.request) for item in items if item.image_id and item.request]
    images = {image for image, _ in requested}
    pixels = read(partial(batches.pixels_of, images=images))
    return {
        request.id: contract(request.task).units(pixels.get(image, 0))
        for image, request in requested
    }


def _replay(key: Key) -> UUID:
    """The id of the batch that another request with this key has created first."""
    read(partial(idempotency_store.find, key=key))
    if not key.is_replayed or key.resource is None:
        raise idempotency_store.in_progress()
    return key.resource


def _announce(created: Iterable[tuple[UUID, str]]) -> None:
    for id, task in created:
        app_state().announcer.announce(id, task, interactive=False)


def find(id: str) -> tuple[BatchRecord, dict[str, int]]:
    """The batch with this id and its counts by status; raises NotFound for another account's.
    A batch of an anonymous caller is open to everyone who knows the id.
    """
    batch_id, caller = parse_id(id), current_user()

    def look(session: Session) -> tuple[BatchRecord, dict[str, int]] | None:
        row = batches.find(session, batch_id) if batch_id else None
        is_open = row is not None and (caller.is_admin or row.owner_id in (None, caller.id))
        return (row, batches.count(session, row.id)) if row and is_open else None

    if batch := read(look):
        return batch
    raise NotFound("There is no such batch.", code="batch_not_found")


def items_of(id: UUID, query: dict[str, Any]) -> Page[ItemRecord]:
    """A page of the batch's items, in the order in which they were sent."""
    after = -1 if query["cursor"] is None else query["cursor"]
    fetch = partial(batches.page, id=id, after=after, status=query.get("status"))
    return read_page(query["limit"], fetch, lambda item: str(item.position))


def cancel_all(id: UUID) -> None:
    """Cancel the unfinished predictions of the batch, and wake the requests that wait for them."""
    canceled = write(partial(batches.cancel, id=id))
    app_state().announcer.finished(canceled)


def retry_failed(id: UUID) -> None:
    """Queue the failed and expired predictions of the batch again; raises QueueFull."""
    retriable = read(partial(batches.predictions_of, id=id, states=RETRIABLE))
    for task in {task for _, task in retriable}:
        app_state().queue_estimates.admit(task, interactive=False)
    quotas.charge(quotas.units_of(task for _, task in retriable))
    write(partial(batches.retry, predictions=retriable))
    _announce(retriable)


def results_of(id: UUID) -> Response:
    """The items as lines of JSON, each in its state when its line is written."""
    fetch = partial(_results, services().sessions, id)
    response = Response(_lines(fetch, fetch(-1), current_user()), mimetype=LINES[0])
    response.headers["Cache-Control"] = "no-cache"
    return response


def _results(sessions: Any, id: UUID, after: int) -> Any:
    look = partial(batches.results, id=id, after=after, limit=RESULTS_AT_ONCE)
    return database.read(sessions, look)


def _lines(fetch: Any, rows: Any, caller: Caller) -> Iterator[bytes]:
    """The first rows are read before the response starts, so that an error gets its status code."""
    while rows:
        views = (result_view(row, may_see(caller, row)) for row in rows)
        text = "".join(json.dumps(view, ensure_ascii=False) + "\n" for view in views)
        yield text.encode("utf-8", "replace")
        rows = fetch(rows[-1].position)
