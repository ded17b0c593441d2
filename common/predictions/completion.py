"""What follows on a final state: the webhook delivery, created in the same transaction."""

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
# `created_at` is not changed by a retry: if it is older than `finished_at`, the prediction was
# retried.
RESET = (
    update(_d)
    .where(
        _d.prediction_id.in_(_IDS),
        _d.url.isnot(None),  # not erased
        _d.created_at < select(_p.finished_at).where(_p.id == _d.prediction_id).scalar_subquery(),
    )
    .values(
        state=Stage.PENDING,
        attempts=0,
        fence=_d.fence + 1,  # invalidates an attempt in progress for the earlier outcome
        next_attempt_at=now(),
        forget_at=None,
        status_code=None,
        error=None,
        delivered_at=None,
    )
)
INSERT = insert_missing(_d).from_select(
    ["prediction_id", "owner_id", "url", "state", "attempts", "next_attempt_at", "created_at"],
    select(
        _p.id, _p.owner_id, _p.webhook_url, literal(str(Stage.PENDING)), literal(0), now(), now()
    ).where(_p.id.in_(_IDS), _p.webhook_url.isnot(None)),
)


def final_columns() -> dict[str, Any]:
    """Return the columns of a row that reaches a final state, except the state and its outcome."""
    return {"finished_at": now(), "check_at": None, "lease_owner": None, "lease_until": None}


def note_final(session: Session, ids: Sequence[UUID]) -> None:
    """Create a webhook delivery for those of `ids` that have a webhook. Call it in the transaction
    that made them final. A retried prediction gets another delivery each time it becomes final.
    """
    if ids:
        execute(session, RESET, {"ids": sorted(ids)})
        execute(session, INSERT, {"ids": sorted(ids)})
