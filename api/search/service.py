"""Searches: asked for as predictions, waited for, and cut into pages of what may be seen now."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from itertools import islice
from typing import Any
from uuid import UUID

from sqlalchemy import Row, bindparam, select

from api.images.schemas import view
from api.limits import quotas
from api.predictions.requests import ask_for, wait_for, was_refused_a_wait
from api.state import app_state, read, write
from api.uploads.service import ask
from common.callers import Caller, listed_for
from common.database.ids import parse_id
from common.database.rows import first_as
from common.database.session import execute
from common.errors import InputFault, Unavailable
from common.housekeeping.retention import SEARCHES, is_use_noted, keep_search
from common.predictions import PredictionRecord, TaskRequest, create_alone
from common.predictions.records import COLUMNS
from common.search.text import normalise
from common.tables import Image, Prediction, State, StoredObject
from common.tasks.search import CONTRACT

PATIENCE = 10.0  # seconds that a request waits for its search
AT_ONCE = 25  # images that are read together: most pages are of 20

# Built once: making a statement costs as much as sending it.
_p = Prediction
SEARCH = select(*COLUMNS).where(_p.id == bindparam("id"), _p.task == CONTRACT.name)
EMBEDDED = (
    select(_p.id)
    .where(_p.image_id == bindparam("image"), _p.task == "embed", _p.state == State.SUCCEEDED)
    .limit(1)
)
IMAGES = select(
    Image.id, Image.file_name, Image.width, Image.height, Image.sha256, Image.visibility,
    Image.created_at, StoredObject.size, StoredObject.media_type,
).join(StoredObject, StoredObject.sha256 == Image.sha256)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Page:
    """Where a page begins: behind so many of a search's results."""

    search: UUID
    after: int

    def __str__(self) -> str:
        return f"{self.search}.{self.after}"


def find(caller: Caller, query: dict[str, Any]) -> tuple[PredictionRecord, int]:
    """The search, and where its page begins: a new one, or the cursor's. Its result is None when
    the request could not wait for it (see `search`).

    Raises InputFault for a cursor that is not one of this caller's, Unavailable when no engine has
    finished it in time.
    """
    if (cursor := query.get("cursor")) is None:
        if "query" not in query:
            raise InputFault("Send `query` or `cursor`.", errors={"query": ["is missing"]})
        return search(caller, {"query": query["query"]}), 0
    page = _page(cursor)
    row = _look(page.search) if page else None
    if page is None or row is None or row.owner_id != caller.id:
        raise _no_cursor()
    if "query" in query and normalise(query["query"]) != normalise(row.params.get("query", "")):
        raise _no_cursor()
    _keep(row)
    return row if row.result else _finished(row), page.after


def find_similar(caller: Caller, image: Image, cursor: str | None) -> tuple[PredictionRecord, int]:
    """The same, of what looks like a stored image, which is embedded first where it was not."""
    if cursor is not None:
        row, after = find(caller, {"cursor": cursor})
        if row.params.get("image_id") != str(image.id):
            raise _no_cursor()
        return row, after
    wanted = {"image": image.id}
    if not read(lambda session: execute(session, EMBEDDED, wanted).first()):
        asked = ask(app_state(), image, [ask_for("embed", interactive=True)])
        wait_for_vector(asked.predictions[0])
    return search(caller, {"image_id": str(image.id)}), 0


def wait_for_vector(row: PredictionRecord) -> None:
    """Return when the image is embedded; raises InputFault when it cannot be, Unavailable when
    it is not in time.
    """
    [row] = wait_for([row], PATIENCE)
    if fault := row.image_fault:
        raise fault
    if row.state != State.SUCCEEDED:
        raise Unavailable("The image is not embedded yet.", code="search_not_ready")


def search(caller: Caller, params: dict[str, Any]) -> PredictionRecord:
    """A new search, once it has succeeded. When too many requests wait already, it is returned
    unfinished, with None as its result. Raises QueueFull, Unavailable.
    """
    CONTRACT.check_params(params)
    current = app_state()
    current.queues.admit(CONTRACT.name, interactive=True)
    wanted = TaskRequest(
        task=CONTRACT.name,
        params=params,
        deadline=CONTRACT.deadline,
        interactive=True,
        owner_id=caller.id,
    )
    units = CONTRACT.units()
    with quotas.work(units) as work:
        record = write(lambda session: create_alone(session, wanted))
        work.spent = units
    current.announcer.announce(wanted.id, wanted.task, interactive=True)
    return _finished(record)


def _finished(search: PredictionRecord) -> PredictionRecord:
    """The search once it has succeeded, or unfinished if the request could not wait."""
    [search] = wait_for([search], PATIENCE)
    if search.result or (was_refused_a_wait() and not search.is_final):
        return search
    raise Unavailable("The search has not been answered in time.", code="search_not_ready")


def page_of(caller: Caller, row: PredictionRecord, after: int, limit: int) -> dict[str, Any]:
    """What FoundList shows: up to `limit` of those results that are there and may be seen now. Of
    an unfinished search there are none yet, and `next` is the page to ask for again.
    """
    if row.result is None:
        again, detail = str(Page(row.id, after)), "The search is still running; get `next`."
        return {"search_id": row.id, "items": [], "next": again, "detail": detail}
    found = list(islice(_there(caller, row.result["items"], after), limit + 1))
    more = str(Page(row.id, found[limit][0])) if len(found) > limit else None
    items = [{**result, "image": view(image, image)} for _, result, image in found[:limit]]
    return {"search_id": row.id, "items": items, "next": more, "detail": row.result["detail"]}


def _there(
    caller: Caller, results: list[dict[str, Any]], after: int
) -> Iterator[tuple[int, dict[str, Any], Row[Any]]]:
    """Place, result and image of each one behind `after` that may be listed for the caller."""
    for start in range(after, len(results), AT_ONCE):
        some = results[start : start + AT_ONCE]
        wanted = IMAGES.where(
            Image.id.in_([UUID(each["image_id"]) for each in some]), listed_for(caller)
        )
        rows = read(lambda s, wanted=wanted: execute(s, wanted).all())  # type: ignore[misc]
        images = {str(row.id): row for row in rows}
        for place, result in enumerate(some, start):
            if result["image_id"] in images:
                yield place, result, images[result["image_id"]]


def _keep(row: PredictionRecord) -> None:
    """A search that is read again stays another day."""
    if is_use_noted(datetime.now(UTC) - row.created_at):
        write(partial(keep_search, id=row.id, seconds=SEARCHES))


def _look(id: UUID) -> PredictionRecord | None:
    return read(
        lambda session: first_as(PredictionRecord, execute(session, SEARCH, {"id": id})),
    )


def _page(cursor: str) -> Page | None:
    id, _, after = cursor.partition(".")
    search = parse_id(id)
    is_number = after.isascii() and after.isdigit() and len(after) <= 6
    return Page(search, int(after)) if search and is_number else None


def _no_cursor() -> InputFault:
    detail = "This cursor is not one that this search gave to this caller."
    return InputFault(detail, errors={"cursor": ["must be `next` of a page of this search"]})
