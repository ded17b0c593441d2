"""Intake: bytes -> store -> one transaction -> announce. What it has answered for is never lost."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Row, bindparam, insert, select
from sqlalchemy.orm import Session

from api.context import Edge
from common import uploads
from common.db import CommitUnknown, DatabaseUnavailable, execute, read, transact
from common.ids import new_id
from common.predictions import Ask, create
from common.storage import object_key
from common.tables import Image, Prediction, State, StoredObject

# Built once: making a statement costs as much as sending it.
ENTER_IMAGE = insert(Image)
ENTER_OBJECT = (
    insert(StoredObject)
    .prefix_with("IGNORE", dialect="mysql")
    .prefix_with("OR IGNORE", dialect="sqlite")
)
THEM = Prediction.id.in_(bindparam("ids", expanding=True))
TIMES = select(Prediction.id, Prediction.created_at, Prediction.deadline_at).where(THEM)
WHOLE = select(Prediction).where(THEM)


@dataclass(frozen=True, slots=True)
class Accepted:
    """The image that was stored, and the predictions that were asked of it."""

    image: UUID
    predictions: list[Prediction]


def receive(
    edge: Edge, data: bytes, file_name: str | None, visibility: str, asks: Sequence[Ask]
) -> Accepted:
    """Take an image and what is asked of it: all of it, or an error and nothing.

    Raises InputFault when the bytes are not an acceptable image, Unavailable when the object store
    or the database does not answer.
    """
    settings = edge.services.settings
    header = uploads.check(data, uploads.Limits(settings.max_upload_bytes, settings.max_pixels))
    width, height = header.upright_size
    sha256 = hashlib.sha256(data).digest()
    image = Image(
        id=new_id(),
        sha256=sha256,
        file_name=uploads.clean_file_name(file_name, header.media_type),
        width=width,
        height=height,
        visibility=visibility,
    )
    stored = StoredObject(sha256=sha256, size=len(data), media_type=header.media_type)
    edge.services.storage.put(object_key(sha256), data)

    def write(session: Session) -> Accepted:
        _hold_object(session, stored)
        execute(session, ENTER_IMAGE, _columns(image))
        return _ask(session, image, asks)

    return _commit(edge, write, image.id, asks)


def ask(edge: Edge, image: Image, asks: Sequence[Ask]) -> Accepted:
    """Ask more of an image that is already stored."""
    return _commit(edge, lambda session: _ask(session, image, asks), image.id, asks)


def _ask(session: Session, image: Image, asks: Sequence[Ask]) -> Accepted:
    create(session, image, asks)
    # A caller who waits is shown the row as it is after the wait.
    unread = [ask.id for ask in asks if not ask.interactive]
    times = {row.id: row for row in execute(session, TIMES, {"ids": unread})} if unread else {}
    return Accepted(image.id, [_row(image, ask, times.get(ask.id)) for ask in asks])


def _row(image: Image, ask: Ask, times: Row[Any] | None) -> Prediction:
    """What was just written. Read back is only what the database's clock says: a whole row costs
    a millisecond.
    """
    return Prediction(
        id=ask.id,
        task=ask.task,
        image_id=image.id,
        params=ask.params,
        caller_data=ask.caller_data,
        state=State.QUEUED,
        attempts=0,
        created_at=times.created_at if times else None,
        deadline_at=times.deadline_at if times else None,
    )


def _look_again(session: Session, image: UUID, asks: Sequence[Ask]) -> Accepted:
    """What became of a transaction whose COMMIT was not answered: all of it, or nothing."""
    rows = {row.id: row for row in session.scalars(WHOLE, _ids(asks))}
    if session.get(Image, image) is None or len(rows) < len(asks):
        raise DatabaseUnavailable("The upload was not stored; send it again.")
    return Accepted(image, [rows[ask.id] for ask in asks])


def _ids(asks: Sequence[Ask]) -> dict[str, list[UUID]]:
    return {"ids": [ask.id for ask in asks]}


def _columns(image: Image) -> dict[str, object]:
    names = ("id", "sha256", "file_name", "width", "height", "visibility")
    return {name: getattr(image, name) for name in names}


def _hold_object(session: Session, stored: StoredObject) -> None:
    """Have the object's row and its lock until COMMIT, so that no deletion comes in between."""
    row = {"sha256": stored.sha256, "size": stored.size, "media_type": stored.media_type}
    entered = execute(session, ENTER_OBJECT, row)
    if entered.rowcount:
        return
    state = select(StoredObject.state).where(StoredObject.sha256 == stored.sha256)
    if session.scalar(state.with_for_update()) != "ready":
        raise DatabaseUnavailable("These bytes are just being deleted; send them again.")


def _commit(
    edge: Edge, write: Callable[[Session], Accepted], image: UUID, asks: Sequence[Ask]
) -> Accepted:
    sessions = edge.services.sessions
    try:
        accepted = transact(sessions, write)
    except CommitUnknown:
        # It may have happened: look, never insert again.
        accepted = read(sessions, lambda session: _look_again(session, image, asks))
    for ask in asks:
        edge.announcer.announce(ask.id, ask.task, ask.interactive)
    return accepted
