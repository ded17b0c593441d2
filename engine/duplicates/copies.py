"""Find the copies of an image among those that a caller may see."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple
from uuid import UUID

import numpy as np
from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from common.callers import Caller, listed_for
from common.database.rows import rows_as
from common.database.session import Sessions, execute, read
from common.errors import InputFault
from common.model_reference import reference_of
from common.tables import Image, Prediction, State
from common.tasks.embed import CONTRACT as EMBED
from common.tasks.embed import vector_bytes
from common.tasks.fingerprint import CONTRACT as FINGERPRINT
from common.tasks.search import COPY, IDENTICAL, MOST_RESULTS
from engine.duplicates.comparison import BITS, Comparison, compare
from engine.duplicates.fingerprint import from_result
from engine.index.store import Index
from engine.searching.visibility import condition_for
from engine.tasks import MadeBy

CANDIDATES = 100  # nearest vectors whose fingerprints are compared, at 1 to 4 ms each
LEAST_COSINE = 0.6  # of the vectors; copies of a quarter of the size may have 0.65
NOT_READY = "This image has no vector or no fingerprint yet: repeat the request."
NOTHING = "No image that you may see is a copy of this one."
UNCOMPARED = "no fingerprint yet: repeat the request later."

_i, _p = Image, Prediction
NEWEST_FIRST = (
    select(_p.image_id, _p.task, _p.result, _p.model, _i.width, _i.height, _i.sha256)
    .join(_i, _i.id == _p.image_id)
    .where(
        _p.image_id.in_(bindparam("images", expanding=True)),
        _p.task.in_(bindparam("tasks", expanding=True)),
        _p.state == State.SUCCEEDED,
    )
    .order_by(_p.id.desc())
)


class Known(NamedTuple):
    """The columns of NEWEST_FIRST, in order: a result of an image, and the image."""

    image_id: UUID
    task: str
    result: dict[str, Any]
    model: dict[str, Any]
    width: int
    height: int
    sha256: bytes


@dataclass(frozen=True, slots=True)
class Comparable:
    """The newest vector and the newest fingerprint of an image."""

    embedded: Known
    reduced: Known


@dataclass(frozen=True, slots=True)
class Copy:
    """An image, and why it is a copy; there is no comparison of the same bytes."""

    image: UUID
    comparison: Comparison | None = None
    cosine: float | None = None

    @property
    def similarity(self) -> float:
        """1 for the same bytes, otherwise the share of equal bits of the hashes."""
        return self.comparison.similarity if self.comparison else 1.0


def find_copies(sessions: Sessions, index: Index, image: UUID, caller: Caller) -> dict[str, Any]:
    """Return the result of the task: the copies, the most similar first, without the image itself.

    Raises InputFault if the image has no vector or no fingerprint, IndexUnavailable.
    """
    this = _read_image(sessions, image)
    if this is None:
        raise InputFault(NOT_READY, code="image_not_embedded")
    cosines = _near(index, this, condition_for(caller))

    def look(session: Session) -> tuple[set[UUID], set[UUID], list[Known]]:
        same = _same_bytes(session, this.reduced, caller)
        visible = _visible(session, cosines.keys() - same, caller)
        return same, visible, _fingerprints(session, visible)

    same, visible, others = read(sessions, look)
    copies = [Copy(id) for id in same] + compared(this.reduced, others, cosines)
    result = _to_result(copies, uncompared=len(visible) - len(others))
    return MadeBy(this.embedded.model, result)


def find_own_copies(
    sessions: Sessions, index: Index, image: UUID, owner: UUID
) -> list[Copy] | None:
    """Return the copies of an account's image among the account's images, in any order; an empty
    list if the image cannot be compared, None if its vector is not in the index yet.

    Of two copies, the one that is compared later finds the other, because both are in the index by
    then. Raises IndexUnavailable.
    """
    this = _read_image(sessions, image)
    if this is None:
        return []
    model, dimensions = reference_of(this.embedded.model), this.embedded.result["dimensions"]
    if not index.vectors(model, dimensions, [image], ""):
        return None
    cosines = _near(index, this, f"owner = X'{owner.hex}'")
    others = read(sessions, lambda session: _fingerprints(session, cosines))
    return compared(this.reduced, others, cosines)


def _read_image(sessions: Sessions, image: UUID) -> Comparable | None:
    tasks = [EMBED.name, FINGERPRINT.name]
    known = read(sessions, lambda session: _known(session, [image], tasks))
    try:
        return Comparable(known[image, EMBED.name], known[image, FINGERPRINT.name])
    except KeyError:
        return None


def _near(index: Index, image: Comparable, condition: str) -> dict[UUID, float]:
    """Return the images with the nearest vectors, and the cosines."""
    vector, model = vector_bytes(image.embedded.result), reference_of(image.embedded.model)
    near = index.alike(model, np.frombuffer(vector, "<f4"), condition, CANDIDATES + 1)
    this = image.embedded.image_id
    return {id: cosine for id, cosine in near if id != this and cosine >= LEAST_COSINE}


def _fingerprints(session: Session, images: Iterable[UUID]) -> list[Known]:
    return list(_known(session, images, [FINGERPRINT.name]).values())


def compared(image: Known, others: Iterable[Known], cosines: dict[UUID, float]) -> list[Copy]:
    """Return those of `others` that are copies of `image`; all with their fingerprints."""
    pixels, copies = from_result(image.result), []
    for other in others:
        aspect = (other.width * image.height) / (other.height * image.width)
        found = compare(pixels, from_result(other.result), aspect)
        if found and found.is_copy:
            copies.append(Copy(other.image_id, found, cosines[other.image_id]))
    return copies


def _known(
    session: Session, images: Iterable[UUID], tasks: Sequence[str]
) -> dict[tuple[UUID, str], Known]:
    """Return the newest result of each image and task."""
    if not (these := sorted(images)):
        return {}
    rows = rows_as(Known, execute(session, NEWEST_FIRST, {"images": these, "tasks": tasks}))
    return {(row.image_id, row.task): row for row in reversed(rows)}


def _visible(session: Session, images: Iterable[UUID], caller: Caller) -> set[UUID]:
    """Return those of the images that the caller may see now; the index may be older."""
    if not (these := sorted(images)):
        return set()
    rows = select(_i.id).where(_i.id.in_(these), listed_for(caller))
    return set(execute(session, rows).scalars())


def _same_bytes(session: Session, image: Known, caller: Caller) -> set[UUID]:
    same = select(_i.id).where(_i.sha256 == image.sha256, _i.id != image.image_id)
    visible = same.where(listed_for(caller)).order_by(_i.id.desc()).limit(MOST_RESULTS)
    return set(execute(session, visible).scalars())


def _to_result(copies: list[Copy], uncompared: int) -> dict[str, Any]:
    best = sorted(copies, key=lambda each: (-each.similarity, each.image))[:MOST_RESULTS]
    detail = None if best else NOTHING
    if uncompared:
        some = "1 similar image has" if uncompared == 1 else f"{uncompared} similar images have"
        detail = f"{some} {UNCOMPARED}"
    return {"items": [_item(each) for each in best], "detail": detail}


def _item(copy: Copy) -> dict[str, Any]:
    item: dict[str, Any] = {
        "image_id": str(copy.image),
        "score": round(copy.similarity, 4),
        "relevance": "high",
    }
    found = copy.comparison
    if found is None:
        return item | {"kind": IDENTICAL, "why": "the same bytes"}
    cosine = min(1.0, copy.cosine or 0.0)
    why = f"{found.bits} of {BITS} bits differ; {found.share:.0%} of the picture in common"
    return item | {
        "kind": COPY,
        "why": why,
        "hash_distance": found.bits,
        "common_part": round(found.share, 3),
        "vector_similarity": round(cosine, 4),
    }
