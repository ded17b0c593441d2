"""Closing an account: what belongs to it is removed, what it asked of others' images is unlinked.

The rows that may be many go first, at most AT_ONCE a transaction, and the account with the last
few. Its images are removed before, by `remove_images_of`.
"""

import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Select, bindparam, delete, null, select, update
from sqlalchemy.orm import Session

from common.database.session import execute
from common.database.types import Hash, Id
from common.social import remove_posts_of_user, remove_some_posts_of_user
from common.tables import (
    ApiKey,
    Batch,
    BatchItem,
    Click,
    IdempotencyKey,
    Login,
    Prediction,
    User,
    Vote,
    Voter,
    WebhookDelivery,
)

AT_ONCE = 500  # rows a transaction

_p = Prediction
_user = bindparam("user", type_=Id)
_voter = bindparam("mine", type_=Hash)
_THESE: Any = bindparam("these", expanding=True)
_MOST: Any = bindparam("most")
# Built once: making a statement costs as much as sending it.
ASKED = select(_p.id, _p.image_id).where(_p.owner_id == _user).limit(_MOST)
FORGET_DELIVERIES = delete(WebhookDelivery).where(WebhookDelivery.prediction_id.in_(_THESE))
FORGET_CLICKS = delete(Click).where(Click.search_id.in_(_THESE))
FORGET_PREDICTIONS = delete(_p).where(_p.id.in_(_THESE))
UNLINK_PREDICTIONS = (
    update(_p)
    .where(_p.id.in_(_THESE))
    .values(owner_id=None, caller_data=null(), webhook_url=null(), webhook_secret=null())
)
BATCHES = select(Batch.id).where(Batch.owner_id == _user).limit(_MOST)
ITEMS = (
    select(BatchItem.position)
    .where(BatchItem.batch_id == bindparam("batch", type_=Id))
    .limit(_MOST)
)
FORGET_ITEMS = delete(BatchItem).where(
    BatchItem.batch_id == bindparam("batch", type_=Id), BatchItem.position.in_(_THESE)
)
FORGET_BATCH_KEYS = delete(IdempotencyKey).where(
    IdempotencyKey.image_id == bindparam("batch", type_=Id)
)
FORGET_BATCH = delete(Batch).where(Batch.id == bindparam("batch", type_=Id))
_SCOPE = IdempotencyKey.scope == bindparam("its_scope", type_=Hash)
KEYS = select(IdempotencyKey.name).where(_SCOPE).limit(_MOST)
FORGET_KEYS = delete(IdempotencyKey).where(_SCOPE, IdempotencyKey.name.in_(_THESE))
VOTES = select(Vote.id).where(Vote.voter == _voter).limit(_MOST)
# They are counted on, as those of a voter who votes no more.
UNLINK_VOTES = (
    update(Vote)
    .where(Vote.id.in_(_THESE))
    .values(voter=bindparam("stranger", type_=Hash), search_id=None)
)
FORGET_VOTER = delete(Voter).where(Voter.voter == _voter)
CREDENTIALS = [
    delete(ApiKey).where(ApiKey.user_id == _user),
    delete(Login).where(Login.user_id == _user),
]
ACCOUNT = delete(User).where(User.id == _user)


@dataclass(frozen=True, slots=True)
class Leaver:
    """An account that is being closed, under all names that rows have for it."""

    id: UUID
    voter: bytes  # of its votes
    scope: bytes  # of its idempotency keys


def forget_some(session: Session, who: Leaver) -> int:
    """Remove or unlink up to AT_ONCE rows of one kind; returns how many, 0 when none are left."""
    work: Iterable[Callable[[], int]] = (
        lambda: remove_some_posts_of_user(session, who.id),
        lambda: _predictions(session, who.id),
        lambda: _batch(session, who.id),
        lambda: _keys(session, who.scope),
        lambda: _votes(session, who.voter),
    )
    return next((count for each in work if (count := each())), 0)


def forget_user(session: Session, who: Leaver) -> bool:
    """Remove an account with its credentials and what it has shared; False when there is none.
    Call `forget_some` before, until nothing is left, and after, for what came in between.
    """
    remove_posts_of_user(session, who.id)
    execute(session, FORGET_VOTER, {"mine": who.voter})
    for statement in CREDENTIALS:
        execute(session, statement, {"user": who.id})
    return bool(execute(session, ACCOUNT, {"user": who.id}).rowcount)


def _predictions(session: Session, user_id: UUID) -> int:
    """Searches and refused files are the account's alone; the others are their images'."""
    rows = execute(session, ASKED, {"user": user_id, "most": AT_ONCE}).all()
    own = sorted(row.id for row in rows if row.image_id is None)
    others = sorted(row.id for row in rows if row.image_id is not None)
    _execute(session, (FORGET_DELIVERIES,), own + others)
    _execute(session, (FORGET_CLICKS, FORGET_PREDICTIONS), own)
    _execute(session, (UNLINK_PREDICTIONS,), others)
    return len(rows)


def _batch(session: Session, user_id: UUID) -> int:
    """The items of one batch, and the batch with the last of them."""
    batch = execute(session, BATCHES, {"user": user_id, "most": 1}).scalar()
    if batch is None:
        return 0
    about = {"batch": batch}
    items = _ids(session, ITEMS, about)
    if items:
        execute(session, FORGET_ITEMS, about | {"these": items})
    if len(items) < AT_ONCE:
        execute(session, FORGET_BATCH_KEYS, about)
        execute(session, FORGET_BATCH, about)
    return len(items) + 1


def _keys(session: Session, key_scope: bytes) -> int:
    scope = {"its_scope": key_scope}
    names = _ids(session, KEYS, scope)
    _execute(session, (FORGET_KEYS,), names, scope)
    return len(names)


def _votes(session: Session, voter: bytes) -> int:
    votes = _ids(session, VOTES, {"mine": voter})
    _execute(session, (UNLINK_VOTES,), votes, {"stranger": secrets.token_bytes(32)})
    return len(votes)


def _ids(session: Session, statement: Select[Any], about: dict[str, Any]) -> list[Any]:
    return sorted(execute(session, statement, about | {"most": AT_ONCE}).scalars())


def _execute(
    session: Session,
    statements: Iterable[Any],
    these: list[Any],
    about: dict[str, Any] | None = None,
) -> None:
    for statement in statements if these else ():
        execute(session, statement, {"these": these, **(about or {})})
