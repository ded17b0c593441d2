"""Idempotency keys as rows: who holds one, what was asked under it, what was answered."""

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

LOCK_WAIT = 1205  # somebody else's transaction has held the row for too long


@dataclass(slots=True)
class Key:
    """A request's key, and what its request makes or an earlier one has made."""

    scope: bytes
    name: str
    request_hash: bytes
    image: UUID | None = None
    predictions: Sequence[UUID] = ()
    is_replayed: bool = False  # `image` and `predictions` are an earlier request's
    is_old: bool = False  # its row is there, and no longer counts


class Answered(Exception):
    """An earlier request with this key has its answer already, about this image (or batch)."""

    def __init__(self, answer: dict[str, Any], image: UUID):
        super().__init__()
        self.answer = answer
        self.image = image


class Taken(Exception):
    """Another request with this key was faster."""


_k = IdempotencyKey
_THIS = (_k.scope == bindparam("its_scope"), _k.name == bindparam("its_name"))
# Built once: making a statement costs as much as sending it.
FIND = select(
    _k.request_hash, _k.image_id, _k.prediction_ids, _k.answer,
    case((_k.created_at <= now(-KEYS_KEPT), 1), else_=0).label("is_old"),
).where(*_THIS)  # fmt: skip
ENTER = insert_missing(_k)
TAKE_OVER = (
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
POINT = update(_k).where(*_THIS).values(image_id=bindparam("its_image", type_=Id))
ANSWER = (
    update(_k)
    .where(*_THIS, _k.image_id == bindparam("its_image"), _k.answer.is_(None))
    .values(answer=bindparam("answer", type_=_k.answer.type))
)


def find(session: Session, key: Key) -> None:
    """Note in `key` what an earlier request left under it.

    Raises Answered when that has its answer, InputFault when it was another request.
    """
    row = execute(session, FIND, _this(key)).first()
    if row is None or row.is_old:
        key.is_old = row is not None
        return
    if row.request_hash != key.request_hash:
        detail = "This Idempotency-Key belongs to another request; take a new one."
        raise InputFault(detail, code="idempotency_key_reused")
    if row.answer is not None:
        raise Answered(row.answer, row.image_id)
    key.image, key.predictions = row.image_id, [UUID(id) for id in row.prediction_ids]
    key.is_replayed = True


def enter(session: Session, key: Key) -> None:
    """Take the key for what `key` says, in the transaction that does it; raises Taken when it is
    not free.

    Raises InProgress when another transaction has been taking it for longer than a lock is waited
    for: the whole request would not get further by waiting again.
    """
    columns = {
        "request_hash": key.request_hash,
        "image_id": key.image,
        "prediction_ids": [str(id) for id in key.predictions],
    }
    try:
        if key.is_old:
            taken = execute(session, TAKE_OVER, _this(key) | columns)
        else:
            taken = execute(session, ENTER, {"scope": key.scope, "name": key.name, **columns})
    except OperationalError as error:
        if error.orig and error.orig.args[0] == LOCK_WAIT:
            raise in_progress() from error
        raise
    if not taken.rowcount:
        raise Taken


def point_at(session: Session, key: Key, image: UUID) -> None:
    """Let the key that was just taken be that of another image than it was taken for."""
    execute(session, POINT, _this(key) | {"its_image": image})
    key.image = image


def keep(session: Session, key: Key, answer: dict[str, Any]) -> None:
    """Store the answer that was given; the first one stays."""
    execute(session, ANSWER, _this(key) | {"its_image": key.image, "answer": answer})


def in_progress() -> InProgress:
    """What those are told who come while the first request with their key is being taken."""
    detail = "The first request with this Idempotency-Key is still running; send it again."
    return InProgress(detail, code="idempotency_key_in_progress", retry_after=1)


def _this(key: Key) -> dict[str, Any]:
    return {"its_scope": key.scope, "its_name": key.name}


class InFlight:
    """The keys whose requests this process is taking: whoever comes second need not queue up for
    the row's lock. Between processes the lock decides."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._keys: set[tuple[bytes, str]] = set()

    @contextmanager
    def alone(self, key: Key | None) -> Iterator[None]:
        """Hold the key meanwhile; raises InProgress when another request does."""
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
