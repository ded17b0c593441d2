"""Batches at the edge: taken in one transaction, found, paged, canceled, retried, told as lines."""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import Any
from uuid import UUID

from flask import Request, Response
from sqlalchemy import Row
from sqlalchemy.orm import Session

from api.accounts.permissions import require_upload_permission
from api.batches.items import LINES, read_items, read_values
from api.batches.schemas import result_view
from api.http import idempotency_store
from api.http.access_log import note_batch
from api.http.body.parser import LARGE
from api.http.body.reader import read_whole
from api.http.idempotency import key_of
from api.http.idempotency_store import Key
from api.http.pagination import Page, read_page
from api.limits import quotas
from api.state import app_state, current_user, read, services, write
from common import batches
from common.batches import Item
from common.callers import Caller, may_see
from common.database import session as database
from common.database.ids import new_id, parse_id
from common.database.session import CommitUnknown
from common.errors import NotFound
from common.tables import State
from common.tasks import contract

RESULTS_AT_ONCE = 50  # rows: results may be large
Made = list[tuple[UUID, str]]  # id and task of each prediction
NEW, AGAIN = (State.QUEUED,), (State.FAILED, State.EXPIRED)


def take(request: Request) -> UUID:
    """Take the batch that a request carries; returns its id.

    Raises what `read_values` and `read_items` raise, InProgress, and Unavailable.
    """
    require_upload_permission()
    raw = read_whole(request, LARGE)
    values = read_values(raw, request.mimetype)
    key = key_of(raw, None, {})
    if key and key.is_replayed and key.image:
        return key.image
    items = list(read_items(values))
    with app_state().in_flight.alone(key):
        return _enter(new_id(), items, key)


def _enter(id: UUID, items: list[Item], key: Key | None) -> UUID:
    """Write the batch in one transaction, with its key, and announce what it queued."""
    caller = current_user()

    def insert(session: Session) -> list[tuple[UUID, str]]:
        if key:
            idempotency_store.enter(session, key)
        return batches.enter(session, id, caller, items)

    if key:
        key.image = id
    units = _units(items)
    with quotas.work(sum(units.values())) as work:
        made = _written(insert, id)
        if made is None:
            return _of_another(key)
        work.spent = sum(units[prediction] for prediction, _ in made)
    note_batch(services().metrics, id, made)
    _announce(made)
    return id


def _written(insert: Callable[[Session], Made], id: UUID) -> Made | None:
    """What `insert` has made in its transaction; None when another request has taken the key."""
    try:
        return write(insert, partial(_stored, id=id))
    except idempotency_store.Taken:
        return None
    except CommitUnknown as error:
        raise CommitUnknown(
            "The database did not confirm that the batch was stored. "
            f"Send GET /v1/batches/{id} in half a minute: if it is found, the batch was stored; "
            "if the answer is 404, send it again."
        ) from error


def _units(items: Sequence[Item]) -> dict[UUID, int]:
    """The units of work of each prediction that the batch asks for, by its id."""
    asked = [(item.image_id, item.ask) for item in items if item.image_id and item.ask]
    images = {image for image, _ in asked}
    pixels = read(partial(batches.pixels_of, images=images))
    return {ask.id: contract(ask.task).units(pixels.get(image, 0)) for image, ask in asked}


def _stored(session: Session, id: UUID) -> list[tuple[UUID, str]] | None:
    """What a transaction whose COMMIT was not answered has made; None: it was rolled back."""
    return batches.made_of(session, id, NEW) if batches.hold(session, id) else None


def _of_another(key: Key | None) -> UUID:
    """The batch that another request with the same key stored first."""
    if key:
        read(lambda session: idempotency_store.find(session, key))
    if not (key and key.is_replayed and key.image):
        raise idempotency_store.in_progress()
    return key.image


def _announce(made: Iterable[tuple[UUID, str]]) -> None:
    for id, task in made:
        app_state().announcer.announce(id, task, interactive=False)


def find(id: str) -> tuple[Row[Any], dict[str, int]]:
    """The batch of this id and its counts by status; raises NotFound, also for somebody else's.
    Nobody's is for whoever has the id.
    """
    key, caller = parse_id(id), current_user()

    def look(session: Session) -> tuple[Row[Any], dict[str, int]] | None:
        row = batches.find(session, key) if key else None
        is_theirs = row is not None and (caller.is_admin or row.owner_id in (None, caller.id))
        return (row, batches.count(session, row.id)) if row and is_theirs else None

    if found := read(look):
        return found
    raise NotFound("There is no such batch.", code="batch_not_found")


def items_of(id: UUID, query: dict[str, Any]) -> Page[Any]:
    """A page of the batch's items, in the order in which they were sent."""
    after = -1 if query["cursor"] is None else query["cursor"]
    fetch = partial(batches.page, id=id, after=after, status=query.get("status"))
    return read_page(query["limit"], fetch, lambda item: str(item.position))


def cancel_all(id: UUID) -> None:
    """Cancel what is not finished; who waits for some of it is woken."""
    canceled = write(partial(batches.cancel, id=id))
    app_state().announcer.finished(canceled)


def retry_failed(id: UUID) -> None:
    """Queue again what failed or expired; raises QueueFull."""
    made = read(partial(batches.made_of, id=id, states=AGAIN))
    for task in {task for _, task in made}:
        app_state().queues.admit(task, interactive=False)
    quotas.charge(quotas.units_of(task for _, task in made))
    write(partial(batches.retry, these=made))
    _announce(made)


def results_of(id: UUID) -> Response:
    """A line of JSON an item, as it stands when its line is written."""
    fetch = partial(_results, services().sessions, id)
    response = Response(_lines(fetch, fetch(-1), current_user()), mimetype=LINES[0])
    response.headers["Cache-Control"] = "no-cache"
    return response


def _results(sessions: Any, id: UUID, after: int) -> Any:
    look = partial(batches.results, id=id, after=after, limit=RESULTS_AT_ONCE)
    return database.read(sessions, look)


def _lines(fetch: Any, rows: Any, caller: Caller) -> Iterator[bytes]:
    """The first rows were fetched while there still could be another answer than 200."""
    while rows:
        views = (result_view(row, may_see(caller, row)) for row in rows)
        text = "".join(json.dumps(view, ensure_ascii=False) + "\n" for view in views)
        yield text.encode("utf-8", "replace")
        rows = fetch(rows[-1].position)
