"""The result cache: the same bytes, task, params and model give the same result."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import and_, bindparam, or_, select, union_all
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

    request: TaskRequest
    key: bytes
    result: dict[str, Any]
    model: dict[str, Any]


FEW = 20  # images with the same bytes whose results are looked up without the index of keys

_i, _p = Image, Prediction
_MAY_SEE = or_(
    _i.id == bindparam("image", type_=Id),
    _i.owner_id.is_not_distinct_from(bindparam("caller", type_=Id)),
    _i.visibility == Visibility.PUBLIC,
    _i.posts > 0,
)


def _results(*conditions: Any) -> Any:
    rows = select(_p.result, _p.model).join(_i, _i.id == _p.image_id)
    return rows.where(_p.state == State.SUCCEEDED, _MAY_SEE, *conditions).limit(1).subquery()


_these_bytes = _i.sha256 == bindparam("sha256", type_=_i.sha256.type)
_same_bytes = select(_i.id).where(_these_bytes).limit(FEW).subquery()
_is_it = and_(_p.task == bindparam("task"), _p.cache_key == bindparam("key"))
# Prebuilt: it runs for every upload of known bytes. A result of bytes that no other image had is
# found by its image, which is one of FEW, and any other result by its `repeated_key`.
CACHED = union_all(
    select(_results(_p.repeated_key == bindparam("key"))),
    select(_results(_is_it, _p.image_id == bindparam("image", type_=Id))),
    select(_results(_is_it, _p.image_id.in_(select(_same_bytes.c.id)))),
).limit(1)


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
    session: Session, image: AnyImage, request: TaskRequest, model: Mapping[str, Any] | None
) -> CachedResult | None:
    """A cached result for the request that the caller may see, or None.

    It comes from this image, from another image of the same owner (all anonymous callers count as
    one), or from a public image with the same bytes. A result of another owner's private image
    would reveal that the service has these bytes.
    """
    key = cache_key(request.task, image.sha256, request.params, model) if model else None
    wanted = {
        "key": key,
        "image": image.id,
        "caller": request.owner_id,
        "task": request.task,
        "sha256": image.sha256,
    }
    row = execute(session, CACHED, wanted).first() if key else None
    return CachedResult(request, key, row.result, row.model) if key and row else None


def create_cached(
    session: Session, image: AnyImage, found: Sequence[CachedResult], at: datetime
) -> None:
    """Insert a succeeded prediction for each cached result."""
    if found:
        execute(session, CREATE, [_cached_columns(image, known, at) for known in found])
        note_final(session, [known.request.id for known in found if known.request.webhook_url])
        if is_findable(image):
            note_changed(session, [image.id])


def _cached_columns(image: AnyImage, known: CachedResult, at: datetime) -> dict[str, Any]:
    return columns(image, known.request, at) | {
        "state": State.SUCCEEDED,
        "result": known.result,
        "model": known.model,
        "cache_key": known.key,
        "repeated_key": known.key,
        "cached": True,
        "timings": {},
        "started_at": at,
        "finished_at": at,
        "check_at": None,
    }
