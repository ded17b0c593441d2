"""Read from the database what the index holds of images: results, posts, names, visibility."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import bindparam, case, func, select
from sqlalchemy.orm import Session

from common.database.rows import rows_as
from common.database.session import execute, now
from common.model_reference import reference_of
from common.search.facts import SearchableFacts
from common.search.outbox import FINDABLE
from common.tables import Image, Post, Prediction, State, Visibility
from common.tasks import all_contracts, indexed_tasks
from engine.index.documents import Document, ImageFacts, Words, encode, texts_of

ABANDONED = (State.CANCELED, State.EXPIRED)
MOST_POSTS = 20  # newest posts of an image that are indexed

_i, _p = Image, Prediction
_THESE: Any = bindparam("images", expanding=True)
IMAGES = select(
    _i.id, _i.owner_id, _i.sha256, _i.visibility, _i.posts, _i.file_name, now().label("read_at")
).where(_i.id.in_(_THESE), FINDABLE)
# For each image and indexed task: the newest row that succeeded, and the newest other row, which
# shows that the task has been requested. Tasks that are indexed per model: the same for each model
# that requests named.
_per_model: Any = bindparam("tasks_per_model", expanding=True)
_named = case((_p.task.in_(_per_model), _p.wanted_model), else_=None)
_kind = case((_p.state == State.SUCCEEDED, 1), else_=0)
_ranked = (
    select(
        _p.id.label("id"),
        func.row_number()
        .over(partition_by=(_p.image_id, _p.task, _kind, _named), order_by=_p.id.desc())
        .label("place"),
    )
    .where(
        _p.image_id.in_(_THESE),
        _p.task.in_(bindparam("tasks", expanding=True)),
        _p.state.not_in(ABANDONED),
    )
    .subquery()
)
PREDICTIONS = (
    select(_p.image_id, _p.task, _p.state, _p.result, _p.model)
    .join(_ranked, _ranked.c.id == _p.id)
    .where(_ranked.c.place == 1)
    .order_by(_p.id)
)
_ranked_posts = (
    select(
        Post.id.label("id"),
        func.row_number().over(partition_by=Post.image_id, order_by=Post.id.desc()).label("place"),
    )
    .where(Post.image_id.in_(_THESE))
    .subquery()
)
POSTS = (
    select(Post.image_id, Post.text)
    .join(_ranked_posts, _ranked_posts.c.id == Post.id)
    .where(_ranked_posts.c.place <= MOST_POSTS)
    .order_by(Post.id)
)
EXIST = select(_i.id).where(_i.id.in_(_THESE), FINDABLE)


class FindableImage(NamedTuple):
    """The columns of IMAGES, in order."""

    id: UUID
    owner_id: UUID | None
    sha256: bytes
    visibility: str
    posts: int
    file_name: str
    read_at: datetime


class TaskResult(NamedTuple):
    """The columns of PREDICTIONS, in order."""

    image_id: UUID
    task: str
    state: str
    result: dict[str, Any] | None
    model: dict[str, Any] | None


@dataclass(slots=True)
class Findings:
    """The documents of some images, and the tasks that must still be requested for them."""

    documents: list[Document] = field(default_factory=list)
    missing: list[tuple[FindableImage, str]] = field(default_factory=list)  # image and task


@cache
def _task_parameters() -> dict[str, list[str]]:
    per_model = [name for name, each in all_contracts().items() if each.indexed_per_model]
    read = dict.fromkeys((*indexed_tasks(), *_required_tasks()))
    return {"tasks": list(read), "tasks_per_model": per_model}


@cache
def _required_tasks() -> tuple[str, ...]:
    return tuple(name for name, each in all_contracts().items() if each.required_by_index)


def look(session: Session, images: Sequence[UUID], words_for: Words) -> Findings:
    """Return the documents of the images that exist and are findable, and which of the tasks that
    the index requires were never requested for them.
    """
    these = {"images": sorted(set(images))}
    # The clock is read with the images: everything that is read afterwards can only be newer.
    images_read = rows_as(FindableImage, execute(session, IMAGES, these))
    results: dict[UUID, list[TaskResult]] = {}
    for row in rows_as(TaskResult, execute(session, PREDICTIONS, these | _task_parameters())):
        results.setdefault(row.image_id, []).append(row)
    posts: dict[UUID, list[str]] = {}
    for post in execute(session, POSTS, these):
        posts.setdefault(post.image_id, []).append(post.text)
    findings = Findings()
    for image in images_read:
        predictions = results.get(image.id, [])
        findings.documents.append(_document(image, predictions, posts.get(image.id, []), words_for))
        requested = {row.task for row in predictions}
        findings.missing += [(image, task) for task in _required_tasks() if task not in requested]
    return findings


def gone(session: Session, images: Iterable[UUID]) -> list[UUID]:
    """Return those of `images` that have been deleted or are no longer findable."""
    ids = set(images)
    existing = {row.id for row in execute(session, EXIST, {"images": sorted(ids)})}
    return sorted(ids - existing)


def _document(
    image: FindableImage, results: Sequence[TaskResult], posts: Sequence[str], words_for: Words
) -> Document:
    facts = [
        (row, facts_of(row.task, row.result))
        for row in results
        if row.state == State.SUCCEEDED and row.result
    ]
    newest = {row.task: each for row, each in facts}
    known = _combined([newest[task] for task in sorted(newest)], posts, image.file_name, words_for)
    return Document(
        id=image.id,
        owner=image.owner_id,
        public=image.visibility == Visibility.PUBLIC or image.posts > 0,
        read_at=_microseconds(image.read_at),
        texts=texts_of(known, words_for),
        known=encode(known),
        vectors={
            reference_of(row.model): each.vector for row, each in facts if each.vector and row.model
        },
    )


def facts_of(task: str, result: Mapping[str, Any]) -> SearchableFacts:
    """Return what the task's contract extracts from a stored result for the index."""
    searchable = all_contracts()[task].searchable
    return searchable(result) if searchable else SearchableFacts()


def _combined(
    facts: Sequence[SearchableFacts], posts: Sequence[str], file_name: str, words_for: Words
) -> ImageFacts:
    """Combine the facts of an image's tasks with its posts and its file name."""
    return ImageFacts(
        labels=[label for each in facts for label in _labels(each, words_for)],
        broader=[term for each in facts for term in each.broader],
        objects=list(dict.fromkeys(name for each in facts for name in each.objects)),
        detected=[item for each in facts for item in each.detected],
        caption=" ".join(each.caption for each in facts if each.caption),
        text="\n".join(each.text for each in facts if each.text),
        posts=posts,
        file_name=file_name,
    )


def _labels(facts: SearchableFacts, words_for: Words) -> list[tuple[str, float]]:
    return [
        *facts.labels,
        *((words_for.classes[class_id], score) for class_id, score in facts.class_ids),
    ]


def _microseconds(moment: datetime) -> int:
    return round(moment.timestamp() * 1e6)
