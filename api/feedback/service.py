"""Feedback at the edge: which images are meant, who votes, and what is written down."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from flask import request
from sqlalchemy.orm import Session

from api.feedback.image_references import by_id, by_id_or_name, sort
from api.feedback.schemas import VALUES
from api.limits import quotas
from api.login.jwt_secret import jwt_secret
from api.predictions.queries import find_prediction
from api.state import app_state, current_user, read, services, write
from common.errors import NotFound
from common.housekeeping.retention import WITH_FEEDBACK, keep_search
from common.model_reference import model_reference
from common.predictions import PredictionRecord
from common.search.feedback import Opinion, record
from common.search.feedback.clicks import note_clicks
from common.search.feedback.query_terms import SEARCH, asked_for
from common.search.feedback.voters import voter_of

CLICKS = "clicks"


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """What feedback is about: a query, and the search that answered it, where it is told."""

    query: str
    model: str | None = None
    search_id: UUID | None = None
    day: date | None = None


def take(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Record what is said of a search's results; raises NotFound for an unknown search."""
    search = _search(str(fields["search_id"]))
    day, model = search.created_at.date(), search.model_reference
    about = About(query=asked_for(search.params), model=model, search_id=search.id, day=day)
    given = [(name, kind) for kind in (*VALUES, CLICKS) for name in fields[kind]]
    images = read(lambda s: by_id(s, current_user(), [n for n, _ in given]))
    ids, rejected = sort(images, given)
    quotas.charge(len(given))
    clicks = ids.pop(CLICKS, [])

    def insert_votes(session: Session) -> None:
        record(session, _voter(), _opinions(about, ids))
        keep_search(session, search.id, WITH_FEEDBACK)
        note_clicks(session, search.id, clicks, _positions(search), model, day)

    write(insert_votes)
    return {"search_id": search.id, "recorded": len(given) - len(rejected), "rejected": rejected}


def take_by_name(entries: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Record votes on queries, whether anybody has searched for them or not, with images by their
    file names or ids.
    """
    given = [[(name, kind) for kind in VALUES for name in entry.get(kind, [])] for entry in entries]
    names = {name for each in given for name, _ in each}
    images = read(lambda s: by_id_or_name(s, current_user(), names))
    model = read(lambda s: app_state().models.answering(s, SEARCH))
    opinions, rejected = [], []
    for entry, each in zip(entries, given, strict=True):
        ids, refused = sort(images, each)
        about = About(query=entry["query"], model=model_reference(model))
        opinions += _opinions(about, ids)
        rejected += [{"query": entry["query"], **one} for one in refused]
    voter = _voter()
    quotas.charge(sum(map(len, given)))
    write(lambda session: record(session, voter, opinions))
    return {"recorded": sum(map(len, given)) - len(rejected), "rejected": rejected}


def _search(id: str) -> PredictionRecord:
    try:
        row = find_prediction(id)
    except NotFound:
        row = None
    if row is None or row.task != SEARCH:
        raise NotFound("There is no such search.", code="search_not_found")
    return row


def _positions(search: PredictionRecord) -> dict[UUID, int]:
    found = (search.result or {}).get("items", [])
    return {UUID(each["image_id"]): number for number, each in enumerate(found, 1)}


def _voter() -> bytes:
    secret = jwt_secret(services().settings).encode()
    return voter_of(secret, current_user().id, request.remote_addr)


def _opinions(about: About, ids: Mapping[str, Iterable[UUID]]) -> list[Opinion]:
    return [
        Opinion(
            query=about.query, image_id=id, value=VALUES[kind],
            search_id=about.search_id, model=about.model, day=about.day,
        )
        for kind, images in ids.items()
        for id in images
    ]  # fmt: skip
