"""The result cache: the same bytes, task, params and model give the same result."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, or_, select
from sqlalchemy.orm import Session

from common.callers import AnyImage
from common.database.session import execute
from common.database.types import Id
from common.predictions.completion import note_final
from common.predictions.create import CREATE, TaskRequest, columns
from common.search.outbox import is_findable, note_changed
from common.tables import Image, Prediction, State, Visibility
from common.tasks import all_contracts


@dataclass(frozen=True, slots=True)
class CachedResult:
    """A request, and the cached result and model that answer it."""

    ask: TaskRequest
    key: bytes
    result: dict[str, Any]
    model: dict[str, Any]


# Prebuilt: it runs for every upload of known bytes.
CACHED = (
    select(Prediction.result, Prediction.model)
    .join(Image, Image.id == Prediction.image_id)
    .where(
        Prediction.cache_key == bindparam("key"),
        Prediction.state == State.SUCCEEDED,
        or_(
            Image.id == bindparam("image", type_=Id),
            Image.owner_id.is_not_distinct_from(bindparam("caller", type_=Id)),
            Image.visibility == Visibility.PUBLIC,
            Image.posts > 0,
        ),
    )
    .limit(1)
)


def cache_key(
    task: str, sha256: bytes | None, params: Mapping[str, Any], model: Mapping[str, Any]
) -> bytes | None:
    """The sha256 of everything that a result depends on; None for a result that is not cached.

    `params` are validated ones, with defaults; of `model` the version, the file's sha256 and the
    preprocessing count.
    """
    contract = all_contracts().get(task)
    if contract is None or not contract.cacheable or sha256 is None:
        return None
    if not model.get("sha256"):
        return None
    made_by = [model.get(key) for key in ("sha256", "version", "preprocessing")]
    about = [sha256.hex(), task, params, *made_by]
    text = json.dumps(about, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).digest()


def find_cached(
    session: Session, image: AnyImage, ask: TaskRequest, model: Mapping[str, Any] | None
) -> CachedResult | None:
    """A cached result for the request that the caller may see, or None.

    It comes from this image, from another image of the same owner (all anonymous callers count as
    one), or from a public image with the same bytes. A result of another owner's private image
    would reveal that the service has these bytes.
    """
    key = cache_key(ask.task, image.sha256, ask.params, model) if model else None
    wanted = {"key": key, "image": image.id, "caller": ask.owner_id}
    row = execute(session, CACHED, wanted).first() if key else None
    return CachedResult(ask, key, row.result, row.model) if key and row else None


def create_cached(
    session: Session, image: AnyImage, found: Sequence[CachedResult], at: datetime
) -> None:
    """Insert a succeeded prediction for each cached result."""
    if found:
        execute(session, CREATE, [_cached_columns(image, known, at) for known in found])
        note_final(session, [known.ask.id for known in found if known.ask.webhook_url])
        if is_findable(image):
            note_changed(session, [image.id])


def _cached_columns(image: AnyImage, known: CachedResult, at: datetime) -> dict[str, Any]:
    return columns(image, known.ask, at) | {
        "state": State.SUCCEEDED,
        "result": known.result,
        "model": known.model,
        "cache_key": known.key,
        "cached": True,
        "timings": {},
        "started_at": at,
        "finished_at": at,
        "check_at": None,
    }
