"""Intake: bytes -> store -> one transaction -> announce. What it has answered for is never lost."""

import hashlib
from collections.abc import Callable, Sequence
from functools import partial

from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from api.accepting import Accepted, commit, enter
from api.context import Edge
from api.keys import Key
from common import uploads
from common.db import DatabaseUnavailable, execute, insert_missing
from common.ids import new_id
from common.predictions import Ask
from common.storage import object_key
from common.tables import Image, StoredObject

# Built once: making a statement costs as much as sending it.
ENTER_IMAGE = insert(Image)
ENTER_OBJECT = insert_missing(StoredObject)


def receive(
    edge: Edge,
    data: bytes,
    file_name: str | None,
    visibility: str,
    asks: Sequence[Ask],
    key: Key | None = None,
) -> Accepted:
    """Take an image and what is asked of it: all of it, or an error and nothing.

    Raises InputFault when the bytes are not an acceptable image, Unavailable when the object store
    or the database does not answer, InProgress when the key's first request is not done.
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

    put = partial(edge.services.storage.put, object_key(sha256), data)

    def write(session: Session) -> Accepted:
        is_known = _hold_object(session, stored, put)
        execute(session, ENTER_IMAGE, _columns(image))
        return enter(session, edge, image, asks, is_known)

    with edge.in_flight.alone(key):
        if not (key and key.is_replayed):
            put()
        accepted = commit(edge, write, image.id, asks, key)
    if not (key and key.is_replayed):
        edge.services.metrics.uploads[()].inc()
    return accepted


def ask(edge: Edge, image: Image, asks: Sequence[Ask], key: Key | None = None) -> Accepted:
    """Ask more of an image that is already stored."""

    def write(session: Session) -> Accepted:
        return enter(session, edge, image, asks, is_known=True)

    with edge.in_flight.alone(key):
        return commit(edge, write, image.id, asks, key)


def _columns(image: Image) -> dict[str, object]:
    names = ("id", "sha256", "file_name", "width", "height", "visibility")
    return {name: getattr(image, name) for name in names}


def _hold_object(session: Session, stored: StoredObject, put: Callable[[], None]) -> bool:
    """Have the object's row and its lock until COMMIT, so that no deletion comes in between.

    Returns whether these bytes had been there before.
    """
    row = {"sha256": stored.sha256, "size": stored.size, "media_type": stored.media_type}
    if execute(session, ENTER_OBJECT, row).rowcount:
        return False
    this = StoredObject.sha256 == stored.sha256
    state = session.scalar(select(StoredObject.state).where(this).with_for_update())
    if state == "deleting":
        raise DatabaseUnavailable("These bytes are just being deleted; send them again.")
    if state == "deleted":
        # Ours may have been put before the old ones were deleted, and gone with them.
        put()
        execute(session, update(StoredObject).where(this).values(row | {"state": "ready"}))
    return True
