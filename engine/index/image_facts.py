"""What the rows say of images: the newest results, posts, names, and who may find them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, bindparam, case, func, select
from sqlalchemy.orm import Session

from common.database.session import execute, now
from common.search.outbox import FINDABLE, KNOWLEDGE
from common.tables import Image, Post, Prediction, State, Visibility
from common.tasks.embed import vector_bytes
from engine.index.documents import Document, Knowledge, Words, encode, texts_of

WANTED = ("classify", "embed")  # without these an image is hardly found: they are asked for
GIVEN_UP = (State.CANCELED, State.EXPIRED)
MOST_POSTS = 20  # of an image, the newest

# Built once: making a statement costs more than sending it.
_i, _p = Image, Prediction
_THESE: Any = bindparam("images", expanding=True)
IMAGES = select(
    _i.id, _i.sha256, _i.owner_id, _i.visibility, _i.posts, _i.file_name, now().label("read_at")
).where(_i.id.in_(_THESE), FINDABLE)
# Of each image the newest row of a task that succeeded, whatever number has been asked for, and one
# that did not, which tells that the task was asked for. Vectors are kept of every model that was
# named, for the index has a column a model.
_named = case((_p.task == "embed", _p.wanted_model), else_=None)
_kind = case((_p.state == State.SUCCEEDED, 1), else_=0)
_ranked = (
    select(
        _p.id.label("id"),
        func.row_number()
        .over(partition_by=(_p.image_id, _p.task, _kind, _named), order_by=_p.id.desc())
        .label("place"),
    )
    .where(_p.image_id.in_(_THESE), _p.task.in_(KNOWLEDGE), _p.state.not_in(GIVEN_UP))
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


@dataclass(slots=True)
class Findings:
    """What was read of some images."""

    documents: list[Document] = field(default_factory=list)
    lacking: list[tuple[Row[Any], str]] = field(default_factory=list)  # image and task


def look(session: Session, images: Sequence[UUID], words_for: Words) -> Findings:
    """The documents of those that are there and findable, and what was never asked of them."""
    these = {"images": sorted(set(images))}
    # First the clock, then the rest: what is read later than it is only newer.
    rows = execute(session, IMAGES, these).all()
    results: dict[UUID, list[Row[Any]]] = {}
    for row in execute(session, PREDICTIONS, these):
        results.setdefault(row.image_id, []).append(row)
    posts: dict[UUID, list[str]] = {}
    for row in execute(session, POSTS, these):
        posts.setdefault(row.image_id, []).append(row.text)
    found = Findings()
    for image in rows:
        mine = results.get(image.id, [])
        found.documents.append(_document(image, mine, posts.get(image.id, []), words_for))
        asked = {row.task for row in mine}
        found.lacking += [(image, task) for task in WANTED if task not in asked]
    return found


def gone(session: Session, images: Iterable[UUID]) -> list[UUID]:
    """Those of `images` that are deleted, or in nobody's results any more."""
    wanted = set(images)
    there = {row.id for row in execute(session, EXIST, {"images": sorted(wanted)})}
    return sorted(wanted - there)


def _document(
    image: Row[Any], results: Sequence[Row[Any]], posts: Sequence[str], words_for: Words
) -> Document:
    done = [row for row in results if row.state == State.SUCCEEDED and row.result]
    newest = {row.task: row.result for row in done}
    known = _knowledge(newest, posts, image.file_name, words_for)
    return Document(
        id=image.id,
        owner=image.owner_id,
        public=image.visibility == Visibility.PUBLIC or image.posts > 0,
        read_at=_microseconds(image.read_at),
        texts=texts_of(known, words_for),
        known=encode(known),
        vectors={_reference(row): vector_bytes(row.result) for row in done if row.task == "embed"},
    )


def _knowledge(
    newest: Mapping[str, Mapping[str, Any]],
    posts: Sequence[str],
    file_name: str,
    words_for: Words,
) -> Knowledge:
    labels = newest.get("classify", {})
    # Outlines in other formats than polygons do not list their objects.
    objects = newest.get("outline", {}).get("objects") or []
    return Knowledge(
        labels=_labels(labels, words_for),
        broader=[(each["name"], each["score"]) for each in labels.get("broader", [])],
        objects=list(dict.fromkeys(each["label"] for each in objects)),
        caption=str(newest.get("caption", {}).get("text", "")),
        posts=posts,
        file_name=file_name,
    )


def _labels(result: Mapping[str, Any], words_for: Words) -> list[tuple[str, float]]:
    """Also those that are not sure enough to be told."""
    told = [(each["name"], each["score"]) for each in result.get("labels", [])]
    unsure = [(words_for.classes[index], score) for index, score in result.get("unsure", [])]
    return told + unsure


def _reference(row: Row[Any]) -> str:
    return f"{row.model['name']}@{row.model['version']}"


def _microseconds(moment: datetime) -> int:
    return round(moment.timestamp() * 1e6)
