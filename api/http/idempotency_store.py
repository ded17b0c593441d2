"""The rows of idempotency keys: the request, the ids of what it created, and its answer."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, case, null, select, update
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from common.database.session import execute, insert_missing, now
from common.database.types import Id
from common.errors import InProgress, InputFault
from common.housekeeping.garbage import KEYS_KEPT
from common.tables import IdempotencyKey

LOCK_WAIT = 1205  # MySQL: another transaction has held the lock of the row for too long


@dataclass(slots=True)
class Key:
    """A request's key, and the ids of what this request or an earlier one with the key created."""

    scope: bytes
    name: str
    request_hash: bytes
    resource: UUID | None = None  # the image or batch
    predictions: Sequence[UUID] = ()
    is_replayed: bool = False  # `resource` and `predictions` are those of an earlier request
    is_expired: bool = False  # its row exists and may be replaced


class Answered(Exception):
    """An earlier request with this key was answered already; `resource` is its image or batch."""

    def __init__(self, answer: dict[str, Any], resource: UUID):
        super().__init__()
        self.answer = answer
        self.resource = resource


class Taken(Exception):
    """Another request with this key has inserted its row first."""

    def __init__(self, key: Key):
        super().__init__()
        self.key = key


_k = IdempotencyKey
_THIS = (_k.scope == bindparam("its_scope"), _k.name == bindparam("its_name"))
# Prebuilt: building a statement costs as much as sending it.
FIND = select(
    _k.request_hash, _k.image_id, _k.prediction_ids, _k.answer,
    case((_k.created_at <= now(-KEYS_KEPT), 1), else_=0).label("is_expired"),
).where(*_THIS)  # fmt: skip
INSERT = insert_missing(_k)
REPLACE_EXPIRED = (
    update(_k)
    .where(*_THIS, _k.created_at <= now(-KEYS_KEPT))
    .values(
        request_hash=bindparam("request_hash"),
        image_id=bindparam("image_id", type_=Id),
        prediction_ids=bindparam("prediction_ids", type_=_k.prediction_ids.type),
        answer=null(),
        created_at=now(),
    )
)
SET_RESOURCE = update(_k).where(*_THIS).values(image_id=bindparam("its_image", type_=Id))
SET_ANSWER = (
    update(_k)
    .where(*_THIS, _k.image_id == bindparam("its_image"), _k.answer.is_(None))
    .values(answer=bindparam("answer", type_=_k.answer.type))
)


def find(session: Session, key: Key) -> None:
    """Set in `key` what an earlier request with it has created.

    Raises Answered if that request was answered, InputFault if it was a different request.
    """
    row = execute(session, FIND, _this(key)).first()
    if row is None or row.is_expired:
        key.is_expired = row is not None
        return
    if row.request_hash != key.request_hash:
        detail = "This Idempotency-Key was used for another request; send a new key."
        raise InputFault(detail, code="idempotency_key_reused")
    if row.answer is not None:
        raise Answered(row.answer, row.image_id)
    key.resource, key.predictions = row.image_id, [UUID(id) for id in row.prediction_ids]
    key.is_replayed = True


def insert(session: Session, key: Key, resource: UUID, predictions: Sequence[UUID] = ()) -> None:
    """Insert the row of the key, in the transaction that creates `resource` and `predictions`.

    Raises Taken if another request has inserted it, InProgress if the transaction of another one
    holds it for longer than the time-out of a lock: waiting once more would not help.
    """
    key.resource, key.predictions = resource, predictions
    columns = {
        "request_hash": key.request_hash,
        "image_id": resource,
        "prediction_ids": [str(id) for id in predictions],
    }
    try:
        if key.is_expired:
            inserted = execute(session, REPLACE_EXPIRED, _this(key) | columns)
        else:
            row = {"scope": key.scope, "name": key.name, **columns}
            inserted = execute(session, INSERT, row)
    except OperationalError as error:
        if error.orig and error.orig.args[0] == LOCK_WAIT:
            raise in_progress() from error
        raise
    if not inserted.rowcount:
        raise Taken(key)


def set_resource(session: Session, key: Key, image: UUID) -> None:
    """Point the row that was just inserted at an existing image instead of the new one."""
    execute(session, SET_RESOURCE, _this(key) | {"its_image": image})
    key.resource = image


def keep(session: Session, key: Key, answer: dict[str, Any]) -> None:
    """Store the answer, unless one is stored already."""
    execute(session, SET_ANSWER, _this(key) | {"its_image": key.resource, "answer": answer})


def in_progress() -> InProgress:
    """The error of a request that is sent while the first one with its key is being stored."""
    detail = "The first request with this Idempotency-Key is still running; repeat this one later."
    return InProgress(detail, code="idempotency_key_in_progress", retry_after=1)


def _this(key: Key) -> dict[str, Any]:
    return {"its_scope": key.scope, "its_name": key.name}


class InFlight:
    """The keys of the requests that this process is storing, so that a second request with a key
    need not wait for the lock of its row. Between processes that lock decides.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._keys: set[tuple[bytes, str]] = set()

    @contextmanager
    def alone(self, key: Key | None) -> Iterator[None]:
        """Reserve the key, if there is one; raises InProgress while another request has it."""
        if key is None:
            yield
            return
        name = (key.scope, key.name)
        with self._lock:
            if name in self._keys:
                raise in_progress()
            self._keys.add(name)
        try:
            yield
        finally:
            with self._lock:
                self._keys.remove(name)
