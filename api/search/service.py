"""Searches: created as predictions, awaited, and returned in pages of what the caller may see."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from itertools import islice
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from api.http.pagination import Page, cut
from api.limits import quotas
from api.predictions.requests import wait_for, was_refused_a_wait
from api.state import app_state, read, write
from api.uploads.service import accept_predictions
from common.callers import Caller, listed_for
from common.database.ids import parse_id
from common.database.rows import first_as, rows_as
from common.database.session import execute
from common.errors import InputFault, Unavailable
from common.housekeeping.retention import SEARCHES, is_use_noted, keep_search
from common.images.records import StoredImage
from common.predictions import PredictionRecord, TaskRequest, create_alone
from common.predictions.records import COLUMNS
from common.search.text import normalise
from common.tables import Image, Prediction, State, StoredObject
from common.tasks import contract
from common.tasks.search import CONTRACT

PATIENCE = 10.0  # seconds that a request waits for its search
UNITS_OF_COPIES = 15  # of PREDICTION_QUOTA: up to 100 pictures are compared
AT_ONCE = 25  # images that are read together: most pages have 20 items

_p = Prediction
SEARCH = select(*COLUMNS).where(_p.id == bindparam("id"), _p.task == CONTRACT.name)
DONE = (
    select(_p.task)
    .where(
        _p.image_id == bindparam("image"),
        _p.task.in_(bindparam("tasks", expanding=True)),
        _p.state == State.SUCCEEDED,
    )
    .distinct()
)
IMAGES = select(
    Image.id, Image.file_name, Image.width, Image.height, Image.sha256, Image.visibility,
    Image.created_at, StoredObject.size, StoredObject.media_type,
).join(StoredObject, StoredObject.sha256 == Image.sha256)  # fmt: skip


@dataclass(frozen=True, slots=True)
class SearchCursor:
    """A page of the search `search_id` that begins with its result number `start`, from 0."""

    search_id: UUID
    start: int

    def __str__(self) -> str:
        return f"{self.search_id}.{self.start}"


@dataclass(frozen=True, slots=True)
class VisibleResult:
    """A result of a search, its number, and its image, which the caller may see."""

    number: int
    result: dict[str, Any]
    image: StoredImage


def find(caller: Caller, query: dict[str, Any]) -> tuple[PredictionRecord, int]:
    """The search and the number of the page's first result: a new search, or the cursor's. It
    has no result yet if the request could not wait for it (see `search`).

    Raises InputFault for a cursor that is not the caller's, Unavailable if no engine has finished
    the search in time.
    """
    if (cursor := query.get("cursor")) is None:
        if "query" not in query:
            raise InputFault("Send `query` or `cursor`.", errors={"query": ["is missing"]})
        return search(caller, {name: query[name] for name in ("query", "lang") if name in query}), 0
    page = _parse_cursor(cursor)
    record = _find_search(page.search_id) if page else None
    if page is None or record is None or record.owner_id != caller.id:
        raise _invalid_cursor()
    if "query" in query and normalise(query["query"]) != normalise(record.params.get("query", "")):
        raise _invalid_cursor()
    _keep(record)
    return record if record.result else _finished(record), page.start


def find_similar(caller: Caller, image: Image, cursor: str | None) -> tuple[PredictionRecord, int]:
    """As `find`, for the images that look like a stored one; embeds that image first if needed."""
    return _find_by_image(caller, image, cursor, "image_id", ["embed"])


def find_copies(caller: Caller, image: Image, cursor: str | None) -> tuple[PredictionRecord, int]:
    """As `find`, for the copies of a stored image; first makes what they are recognized by if that
    is missing.
    """
    return _find_by_image(caller, image, cursor, "copies_of", ["embed", "fingerprint"])


def _find_by_image(
    caller: Caller, image: Image, cursor: str | None, param: str, needed: list[str]
) -> tuple[PredictionRecord, int]:
    if cursor is not None:
        record, start = find(caller, {"cursor": cursor})
        if record.params.get(param) != str(image.id):
            raise _invalid_cursor()
        return record, start
    done = read(lambda s: set(execute(s, DONE, {"image": image.id, "tasks": needed}).scalars()))
    if missing := [_interactive(task, caller) for task in needed if task not in done]:
        wait_until_done(accept_predictions(image, missing).predictions)
    return search(caller, {param: str(image.id)}), 0


def _interactive(task: str, caller: Caller) -> TaskRequest:
    """A request for a task that a search needs; it may be an internal one."""
    app_state().queue_estimates.admit(task, interactive=True)
    needed = contract(task, internal=True)
    return TaskRequest(
        task=task,
        params=needed.check_params({}),
        deadline=needed.deadline,
        interactive=True,
        owner_id=caller.id,
    )


def wait_until_done(records: Sequence[PredictionRecord]) -> None:
    """Wait for what a search needs of its image; raises InputFault if the image cannot be used,
    Unavailable if it is not ready in time.
    """
    for record in wait_for(records, PATIENCE):
        if fault := record.image_fault:
            raise fault
        if record.state != State.SUCCEEDED:
            detail = f"The image is not ready for this search yet: its `{record.task}` is missing."
            raise Unavailable(detail, code="search_not_ready")


def search(caller: Caller, params: dict[str, Any]) -> PredictionRecord:
    """A new search, once it has succeeded. If too many requests wait already, it is returned
    unfinished, with None as its result. Raises QueueFull, Unavailable.
    """
    CONTRACT.check_params(params)
    current = app_state()
    current.queue_estimates.admit(CONTRACT.name, interactive=True)
    task_request = TaskRequest(
        task=CONTRACT.name,
        params=params,
        deadline=CONTRACT.deadline,
        interactive=True,
        owner_id=caller.id,
    )
    units = UNITS_OF_COPIES if "copies_of" in params else CONTRACT.units()
    with quotas.work(units) as work:
        record = write(lambda session: create_alone(session, task_request))
        work.spent = units
    current.announcer.announce(record.id, record.task, interactive=True)
    return _finished(record)


def _finished(record: PredictionRecord) -> PredictionRecord:
    """The search once it has succeeded, or unfinished if the request could not wait."""
    [record] = wait_for([record], PATIENCE)
    if record.result or (was_refused_a_wait() and not record.is_final):
        return record
    raise Unavailable("The search has not been answered in time.", code="search_not_ready")


def page_of(
    caller: Caller, record: PredictionRecord, start: int, limit: int
) -> Page[VisibleResult]:
    """Up to `limit` results, from number `start` on, whose images the caller may see now. The page
    of an unfinished search is empty, and its `next` is the same page again.
    """
    if record.result is None:
        return Page([], str(SearchCursor(record.id, start)))
    visible = list(islice(_visible(caller, record.result["items"], start), limit + 1))
    return cut(visible, limit, lambda last: str(SearchCursor(record.id, last.number + 1)))


def _visible(caller: Caller, results: list[dict[str, Any]], start: int) -> Iterator[VisibleResult]:
    for first in range(start, len(results), AT_ONCE):
        some = results[first : first + AT_ONCE]
        ids = [UUID(result["image_id"]) for result in some]
        images = read(partial(_listed_images, caller=caller, ids=ids))
        for number, result in enumerate(some, first):
            if image := images.get(result["image_id"]):
                yield VisibleResult(number, result, image)


def _listed_images(session: Session, caller: Caller, ids: list[UUID]) -> dict[str, StoredImage]:
    statement = IMAGES.where(Image.id.in_(ids), listed_for(caller))
    return {str(row.id): row for row in rows_as(StoredImage, execute(session, statement))}


def _keep(record: PredictionRecord) -> None:
    """Keep a search for another day when it is read again."""
    if is_use_noted(datetime.now(UTC) - record.created_at):
        write(partial(keep_search, id=record.id, seconds=SEARCHES))


def _find_search(id: UUID) -> PredictionRecord | None:
    return read(
        lambda session: first_as(PredictionRecord, execute(session, SEARCH, {"id": id})),
    )


def _parse_cursor(cursor: str) -> SearchCursor | None:
    id, _, start = cursor.partition(".")
    search_id = parse_id(id)
    is_number = start.isascii() and start.isdigit() and len(start) <= 6
    return SearchCursor(search_id, int(start)) if search_id and is_number else None


def _invalid_cursor() -> InputFault:
    detail = "Invalid cursor: send `next` of a page of your own search, with the same query."
    return InputFault(detail, errors={"cursor": ["must be `next` of a page of this search"]})
