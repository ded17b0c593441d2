"""Deleting an account with its rows; its predictions of other owners' images are unlinked.

Kinds of rows that may be many are deleted first, at most AT_ONCE per transaction, and the account
with the remaining ones. Its images must be removed before, by `remove_images_of`.
"""

import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Select, delete, null, select, update
from sqlalchemy.orm import Session

from common.database.session import execute
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

AT_ONCE = 500  # rows per transaction


@dataclass(frozen=True, slots=True)
class AccountIds:
    """The ids by which rows refer to an account."""

    id: UUID
    voter: bytes  # of its votes
    scope: bytes  # of its idempotency keys


def remove_some(session: Session, account: AccountIds) -> int:
    """Delete or unlink up to AT_ONCE rows of one kind; returns their number, 0 if none are left."""
    steps: Iterable[Callable[[], int]] = (
        lambda: remove_some_posts_of_user(session, account.id),
        lambda: _remove_predictions(session, account.id),
        lambda: _remove_batch(session, account.id),
        lambda: _remove_idempotency_keys(session, account.scope),
        lambda: _unlink_votes(session, account.voter),
    )
    return next((count for step in steps if (count := step())), 0)


def remove_account(session: Session, account: AccountIds) -> bool:
    """Delete an account with its credentials, posts, likes and follows; False if it does not exist.
    Call `remove_some` before, until it returns 0, and after, for rows that were inserted meanwhile.
    """
    remove_posts_of_user(session, account.id)
    execute(session, delete(Voter).where(Voter.voter == account.voter))
    execute(session, delete(ApiKey).where(ApiKey.user_id == account.id))
    execute(session, delete(Login).where(Login.user_id == account.id))
    return bool(execute(session, delete(User).where(User.id == account.id)).rowcount)


def _remove_predictions(session: Session, user_id: UUID) -> int:
    """Delete predictions without an image, such as searches; unlink the account from the others,
    which belong to their images.
    """
    columns = (Prediction.id, Prediction.image_id)
    some = select(*columns).where(Prediction.owner_id == user_id).limit(AT_ONCE)
    rows = execute(session, some).all()
    own = sorted(row.id for row in rows if row.image_id is None)
    others = sorted(row.id for row in rows if row.image_id is not None)
    if not rows:
        return 0
    deliveries = WebhookDelivery.prediction_id.in_(own + others)
    execute(session, delete(WebhookDelivery).where(deliveries))
    if own:
        execute(session, delete(Click).where(Click.search_id.in_(own)))
        execute(session, delete(Prediction).where(Prediction.id.in_(own)))
    if others:
        private = {"caller_data": null(), "webhook_url": null(), "webhook_secret": null()}
        unlink = update(Prediction).where(Prediction.id.in_(others))
        execute(session, unlink.values(owner_id=None, **private))
    return len(rows)


def _remove_batch(session: Session, user_id: UUID) -> int:
    """Delete up to AT_ONCE items of one batch, and the batch with its last items."""
    batch = execute(session, select(Batch.id).where(Batch.owner_id == user_id).limit(1)).scalar()
    if batch is None:
        return 0
    of_batch = BatchItem.batch_id == batch
    items = _some(session, select(BatchItem.position).where(of_batch))
    if items:
        execute(session, delete(BatchItem).where(of_batch, BatchItem.position.in_(items)))
    if len(items) < AT_ONCE:
        execute(session, delete(IdempotencyKey).where(IdempotencyKey.image_id == batch))
        execute(session, delete(Batch).where(Batch.id == batch))
    return len(items) + 1


def _remove_idempotency_keys(session: Session, scope: bytes) -> int:
    in_scope = IdempotencyKey.scope == scope
    if names := _some(session, select(IdempotencyKey.name).where(in_scope)):
        execute(session, delete(IdempotencyKey).where(in_scope, IdempotencyKey.name.in_(names)))
    return len(names)


def _unlink_votes(session: Session, voter: bytes) -> int:
    """Give the account's votes a random voter: they still count."""
    if votes := _some(session, select(Vote.id).where(Vote.voter == voter)):
        unlink = update(Vote).where(Vote.id.in_(votes))
        execute(session, unlink.values(voter=secrets.token_bytes(32), search_id=None))
    return len(votes)


def _some(session: Session, statement: Select[Any]) -> list[Any]:
    return sorted(execute(session, statement.limit(AT_ONCE)).scalars())
