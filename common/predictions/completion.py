"""What a final state sets off: the webhook delivery, in the transaction that makes it final."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import BindParameter, bindparam, literal, select, update
from sqlalchemy.orm import Session

from common.database.session import execute, insert_missing, now
from common.tables import Prediction, WebhookDelivery
from common.webhooks.deliveries import Stage

_p, _d = Prediction, WebhookDelivery
_IDS: BindParameter[Any] = bindparam("ids", expanding=True)
# `created_at` stays that of the first life: older than `finished_at` means a later one.
AGAIN = (
    update(_d)
    .where(
        _d.prediction_id.in_(_IDS),
        _d.url.isnot(None),  # not erased
        _d.created_at < select(_p.finished_at).where(_p.id == _d.prediction_id).scalar_subquery(),
    )
    .values(
        state=Stage.PENDING,
        attempts=0,
        fence=_d.fence + 1,  # what is still being sent is about the former life
        next_attempt_at=now(),
        forget_at=None,
        status_code=None,
        error=None,
        delivered_at=None,
    )
)
OWE = insert_missing(_d).from_select(
    ["prediction_id", "owner_id", "url", "state", "attempts", "next_attempt_at", "created_at"],
    select(
        _p.id, _p.owner_id, _p.webhook_url, literal(str(Stage.PENDING)), literal(0), now(), now()
    ).where(_p.id.in_(_IDS), _p.webhook_url.isnot(None)),
)


def note_final(session: Session, ids: Sequence[UUID]) -> None:
    """Owe a webhook to those of `ids` that want one; call it after they were made final, in the
    same transaction. A prediction that was retried is owed another one each time it ends.
    """
    if ids:
        execute(session, AGAIN, {"ids": sorted(ids)})
        execute(session, OWE, {"ids": sorted(ids)})
