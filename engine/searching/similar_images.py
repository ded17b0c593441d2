"""Find images similar to an image, by the vectors of the model that has embedded it."""

from typing import Any
from uuid import UUID

import numpy as np
from sqlalchemy import bindparam, select

from common.database.session import Sessions, execute, read
from common.errors import InputFault
from common.model_reference import reference_of
from common.tables import Prediction, State
from common.tasks.embed import CONTRACT as EMBED
from common.tasks.embed import vector_bytes
from common.tasks.search import MOST_RESULTS
from engine.index.store import Index
from engine.searching.ranking import HIGH, LOW, MEDIUM, bands
from engine.tasks import MadeBy

# Cosine similarities below which two photographs have nothing or little in common.
NOTHING_IN_COMMON, LITTLE_IN_COMMON = 0.3, 0.6
NO_VECTOR = "This image has no embedding yet: request the task `embed` first."
NOTHING = "No other image is similar to this one."

_p = Prediction
NEWEST = (
    select(_p.result, _p.model)
    .where(_p.image_id == bindparam("image"), _p.task == EMBED.name, _p.state == State.SUCCEEDED)
    .order_by(_p.id.desc())
    .limit(1)
)


def find_alike(sessions: Sessions, index: Index, image: UUID, seen_by: str) -> dict[str, Any]:
    """Return the result of the task: similar images, the most similar first, without the image
    itself.

    Raises InputFault if the image has no vector.
    """
    row = read(sessions, lambda session: execute(session, NEWEST, {"image": image}).first())
    if row is None:
        raise InputFault(NO_VECTOR, code="image_not_embedded")
    vector = np.frombuffer(vector_bytes(row.result), "<f4")
    model = reference_of(row.model)
    near = index.alike(model, vector, seen_by, MOST_RESULTS + 1)
    found = [(id, score) for id, score in near if id != image and score > NOTHING_IN_COMMON]
    return MadeBy(row.model, _to_result(found[:MOST_RESULTS]))


def _to_result(found: list[tuple[UUID, float]]) -> dict[str, Any]:
    if not found:
        return {"items": [], "detail": NOTHING}
    scores = [round(min(1.0, score), 4) for _, score in found]
    relevance = bands(scores, HIGH if scores[0] >= LITTLE_IN_COMMON else MEDIUM)
    items = [
        {
            "image_id": str(id),
            "score": score,
            "relevance": band if score >= LITTLE_IN_COMMON or band == LOW else MEDIUM,
            "why": f"looks alike: {score:.2f}",
        }
        for (id, _), score, band in zip(found, scores, relevance, strict=True)
    ]
    return {"items": items, "detail": None}
