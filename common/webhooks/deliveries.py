"""The states of a delivery: pending, then delivered, failed or disabled; pending again on request.

`fence` is the fencing token, which rises with each claim and each restart: a sender's outcome only
counts if it has the token of the latest claim. `attempts` counts the attempts of the schedule. A
claim moves `next_attempt_at` past the attempt's own timeout, so that no transaction is open while a
message is sent, and the deliveries of a killed sender become due by themselves.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import and_, case, select, update
from sqlalchemy.orm import Session

from common.database.rows import rows_as
from common.database.session import execute, now
from common.tables import WebhookDelivery
from common.webhooks.receivers import host_of
from common.webhooks.slots import Slots

KEPT = 24 * 3600  # seconds after its last attempt for which a delivery can be sent again
WINDOW = 100  # due rows that one claim reads to choose fairly
LONGEST_ERROR = 255
D = WebhookDelivery


class Stage(StrEnum):
    """The states of a delivery."""

    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"
    DISABLED = "disabled"


_IS_DUE = and_(D.state == Stage.PENDING, D.next_attempt_at <= now())


@dataclass(frozen=True, slots=True)
class Due:
    """An attempt that the claimer must make; `attempt` counts from 1 on the schedule."""

    prediction_id: UUID
    owner_id: UUID | None
    url: str
    attempt: int
    fence: int
    created_at: datetime

    @property
    def host(self) -> str:
        """The receiver's host, for fairness among receivers."""
        return host_of(self.url)


def is_any_due(session: Session) -> bool:
    """Return whether a claim may find a delivery; the query waits for no locks and takes none."""
    return session.scalar(select(D.prediction_id).where(_IS_DUE).limit(1)) is not None


def claim_due(session: Session, limit: int, slots: Slots, lease: float) -> list[Due]:
    """Claim up to `limit` due deliveries for `lease` seconds, taking hosts in turn.

    No host and no owner gets more slots than `slots` allows; deliveries to a host or of an owner
    without a free slot do not delay others.
    """
    rows = rows_as(DueRow, execute(session, _due_with_slots(slots)))
    taken = _in_turn(rows, slots, limit)
    if taken:
        execute(
            session,
            update(D)
            .where(D.prediction_id.in_([due.prediction_id for due in taken]))
            .values(attempts=D.attempts + 1, fence=D.fence + 1, next_attempt_at=now(lease)),
        )
    return taken


class DueRow(NamedTuple):
    """The columns of a due delivery."""

    prediction_id: UUID
    owner_id: UUID | None
    url: str
    attempts: int
    fence: int
    created_at: datetime


def _due_with_slots(slots: Slots) -> Any:
    return (
        select(D.prediction_id, D.owner_id, D.url, D.attempts, D.fence, D.created_at)
        .where(_IS_DUE, *slots.conditions())
        .order_by(D.next_attempt_at)
        .limit(WINDOW)
        .with_for_update(skip_locked=True)
    )


def _in_turn(rows: Sequence[DueRow], slots: Slots, limit: int) -> list[Due]:
    """Return up to `limit` of the rows: the first of each host, then the second of each host, as
    far as hosts and owners have free slots.
    """
    hosts, owners = slots.copy()
    turns: list[tuple[int, Due]] = []
    for row in rows:
        due = _due(row)
        turns.append((hosts[due.host], due))
        hosts[due.host] += 1
    taken: list[Due] = []
    for turn, due in sorted(turns, key=lambda pair: pair[0]):
        is_free = turn < slots.per_host and owners[due.owner_id] < slots.limit(due.owner_id)
        if is_free and len(taken) < limit:
            owners[due.owner_id] += 1
            taken.append(due)
    return taken


def _due(row: DueRow) -> Due:
    return Due(
        row.prediction_id,
        row.owner_id,
        row.url,
        attempt=row.attempts + 1,
        fence=row.fence + 1,
        created_at=row.created_at,
    )


def note_delivered(session: Session, due: Due, status_code: int) -> bool:
    """Record that the receiver accepted the message. False, here and below, if the attempt was not
    the latest.
    """
    return _note(
        session,
        due,
        state=Stage.DELIVERED,
        next_attempt_at=None,
        forget_at=now(KEPT),
        delivered_at=now(),
        status_code=status_code,
        error=None,
    )


def note_failed(
    session: Session, due: Due, status_code: int | None, error: str, pause: float | None
) -> bool:
    """Record a failure; the next attempt follows after `pause` seconds; None: never."""
    return _note(
        session,
        due,
        state=Stage.FAILED if pause is None else Stage.PENDING,
        next_attempt_at=None if pause is None else now(pause),
        forget_at=now(KEPT) if pause is None else None,
        status_code=status_code,
        error=error[:LONGEST_ERROR],
    )


def note_gone(session: Session, due: Due, status_code: int) -> bool:
    """Record that the receiver wants no more messages: disable this delivery and all pending ones
    for its URL.
    """
    error = "the receiver answered 410 Gone"
    values = {
        "state": Stage.DISABLED,
        "next_attempt_at": None,
        "forget_at": now(KEPT),
        "error": error,
    }
    mine = _note(session, due, status_code=status_code, **values)
    if mine:
        others = update(D).where(D.next_attempt_at.isnot(None), D.url == due.url)
        execute(session, others.values(values))
    return mine


def put_off(session: Session, due: Due, pause: float) -> bool:
    """Make the delivery due in `pause` seconds, without counting an attempt."""
    return _note(session, due, attempts=D.attempts - 1, next_attempt_at=now(pause))


def _note(session: Session, due: Due, **values: Any) -> bool:
    latest = update(D).where(
        D.prediction_id == due.prediction_id,
        D.state == Stage.PENDING,
        D.fence == due.fence,
    )
    return bool(execute(session, latest.values(values)).rowcount)


def redeliver(session: Session, prediction_id: UUID) -> bool:
    """Make the delivery due now, from the beginning of the schedule unless it is still pending.
    False if there is no such delivery or its URL has been erased.
    """
    over = D.state != Stage.PENDING
    again = (
        update(D)
        .where(D.prediction_id == prediction_id, D.url.isnot(None))
        # In this order: MySQL assigns from left to right.
        .ordered_values(
            (D.attempts, case((over, 0), else_=D.attempts)),
            (D.fence, D.fence + case((over, 1), else_=0)),
            (D.state, Stage.PENDING),
            (D.next_attempt_at, now()),
            (D.forget_at, None),
        )
    )
    return bool(execute(session, again).rowcount)


def find(session: Session, prediction_id: UUID) -> WebhookDelivery | None:
    """Return the delivery of a prediction; None if it has no webhook or is not final yet."""
    return session.get(WebhookDelivery, prediction_id)
