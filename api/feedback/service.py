"""Record votes and clicks on search results."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from flask import request
from sqlalchemy.orm import Session

from api.feedback.image_references import Entry, find_by_id, find_by_id_or_name, sort_entries
from api.feedback.schemas import VALUES
from api.limits import quotas
from api.login.jwt_secret import jwt_secret
from api.predictions.queries import find_prediction
from api.state import app_state, current_user, read, services, write
from common.errors import NotFound
from common.housekeeping.retention import feedback_kept, keep_search
from common.model_reference import model_reference
from common.predictions import PredictionRecord
from common.search.feedback import Opinion, record
from common.search.feedback.clicks import note_clicks
from common.search.feedback.query_terms import voted_query
from common.search.feedback.voters import voter_of
from common.tasks.search import CONTRACT as SEARCH

CLICKS = "clicks"


@dataclass(frozen=True, slots=True, kw_only=True)
class VoteContext:
    """What a vote is about: a query and, if it is known, the search that answered it."""

    query: str
    model: str | None = None
    search_id: UUID | None = None
    day: date | None = None


def record_feedback(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Record votes and clicks on the results of a search; return the fields of RecordedFeedback.

    Raises NotFound for an unknown search, and TooManyRequests above the quota.
    """
    search = _find_search(str(fields["search_id"]))
    day, model = search.created_at.date(), search.model_reference
    query = voted_query(search.params, search.result)
    context = VoteContext(query=query, model=model, search_id=search.id, day=day)
    entries: list[Entry] = [(name, kind) for kind in (*VALUES, CLICKS) for name in fields[kind]]
    names = [name for name, _ in entries]
    images = read(lambda s: find_by_id(s, current_user(), names))
    ids, rejected = sort_entries(images, entries)
    quotas.charge(len(entries))
    clicks = ids.pop(CLICKS, [])
    seconds = feedback_kept(services().settings.retention_days)

    def change(session: Session) -> None:
        record(session, _voter(), _opinions(context, ids))
        keep_search(session, search.id, seconds)
        note_clicks(session, search.id, clicks, _positions(search), model, day)

    write(change)
    return {"search_id": search.id, "recorded": len(entries) - len(rejected), "rejected": rejected}


def record_feedback_by_name(feedback: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Record votes on queries, which need not have been searched for.

    Each element of `feedback` has a query, and file names or ids of images by kind of vote.
    Returns the number of recorded votes and the rejected images. Raises TooManyRequests above the
    quota.
    """
    entries: list[list[Entry]] = [
        [(name, kind) for kind in VALUES for name in each.get(kind, [])] for each in feedback
    ]
    names = {name for each in entries for name, _ in each}
    images = read(lambda s: find_by_id_or_name(s, current_user(), names))
    model = read(lambda s: app_state().running_models.answering(s, SEARCH.name))
    opinions, rejected = [], []
    for vote, of_query in zip(feedback, entries, strict=True):
        ids, refused = sort_entries(images, of_query)
        opinions += _opinions(VoteContext(query=vote["query"], model=model_reference(model)), ids)
        rejected += [{"query": vote["query"], **each} for each in refused]
    voter, count = _voter(), sum(map(len, entries))
    quotas.charge(count)
    write(lambda session: record(session, voter, opinions))
    return {"recorded": count - len(rejected), "rejected": rejected}


def _find_search(id: str) -> PredictionRecord:
    try:
        row = find_prediction(id)
    except NotFound:
        row = None
    if row is None or row.task != SEARCH.name:
        raise NotFound(
            "No search has this id. Send the `search_id` of a search.", code="search_not_found"
        )
    return row


def _positions(search: PredictionRecord) -> dict[UUID, int]:
    """Return the position of each result of a search, counted from 1."""
    items = (search.result or {}).get("items", [])
    return {UUID(item["image_id"]): position for position, item in enumerate(items, 1)}


def _voter() -> bytes:
    secret = jwt_secret(services().settings).encode()
    return voter_of(secret, current_user().id, request.remote_addr)


def _opinions(context: VoteContext, ids: Mapping[str, Iterable[UUID]]) -> list[Opinion]:
    return [
        Opinion(
            query=context.query, image_id=id, value=VALUES[kind],
            search_id=context.search_id, model=context.model, day=context.day,
        )
        for kind, images in ids.items()
        for id in images
    ]  # fmt: skip
