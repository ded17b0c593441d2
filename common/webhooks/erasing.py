"""Erase the addresses and secrets of webhooks that have been delivered or given up."""

from typing import Any

from sqlalchemy import bindparam, null, select, update
from sqlalchemy.orm import Session

from common.database.session import execute, now
from common.tables import Prediction, WebhookDelivery

AT_ONCE = 500  # deliveries per transaction

_d = WebhookDelivery
_THESE: Any = bindparam("these", expanding=True)
OVER = select(_d.prediction_id).where(_d.forget_at <= now()).limit(AT_ONCE)
HOLD = (
    select(_d.prediction_id)
    .where(_d.prediction_id.in_(_THESE), _d.forget_at <= now())
    .order_by(_d.prediction_id)
    .with_for_update()
)
ERASE = [
    update(Prediction)
    .where(Prediction.id.in_(_THESE))
    .values(webhook_url=null(), webhook_secret=null()),
    update(_d).where(_d.prediction_id.in_(_THESE)).values(url=null(), forget_at=null()),
]


def erase_some(session: Session) -> int:
    """Erase the addresses and secrets of up to AT_ONCE finished deliveries; return how many there
    were.
    """
    finished = sorted(row.prediction_id for row in execute(session, OVER))
    locked = (
        [row.prediction_id for row in execute(session, HOLD, {"these": finished})]
        if finished
        else []
    )
    for statement in ERASE if locked else ():
        execute(session, statement, {"these": locked})
    return len(locked)
