"""Claim a batch of predictions for one worker: one SELECT, one UPDATE."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum, auto
from typing import Any
from uuid import UUID

from sqlalchemy import Row, bindparam, case, select, update
from sqlalchemy.orm import Session

from common.columns import Id
from common.db import execute, now
from common.predictions.final import note_final
from common.predictions.rules import LEASE, MOST_LOST_CLAIMS, SILENT
from common.tables import EngineProcess, Prediction, State

POISON = "poison"
# Built once: making a statement costs more than sending it.
_p = Prediction
_THEM = _p.id.in_(bindparam("ids", expanding=True))
LOCKED = (
    select(
        _p.id, _p.state, _p.attempts, _p.failures, _p.lost_claims, _p.lease_owner,
        _p.task, _p.params, _p.sha256, _p.created_at, _p.wanted_model, _p.owner_id,
        now().label("claimed_at"),
        case((_p.next_attempt_at.is_(None), 1), (_p.next_attempt_at <= now(), 1), else_=0)
        .label("is_due"),
        case((_p.lease_until < now(), 1), else_=0).label("has_lapsed"),
        case((_p.webhook_url.isnot(None), 1), else_=0).label("has_webhook"),
    )
    .where(_THEM)
    .with_for_update()
)  # fmt: skip
# In this order: MySQL assigns from left to right, and `lost_claims` must see the old state.
TAKE = (
    update(_p)
    .where(_THEM)
    .ordered_values(
        (_p.lost_claims, _p.lost_claims + case((_p.state == State.PROCESSING, 1), else_=0)),
        (_p.state, State.PROCESSING),
        (_p.attempts, _p.attempts + 1),
        (_p.lease_owner, bindparam("owner", type_=Id)),
        (_p.lease_until, now(LEASE)),
        (_p.check_at, now(LEASE)),
        (_p.started_at, now()),
    )
)


@dataclass(frozen=True, slots=True)
class Job:
    """What a worker needs to know of a prediction it holds; `attempt` is the fencing token."""

    id: UUID
    attempt: int
    failures: int
    task: str
    params: dict[str, Any]
    sha256: bytes | None
    created_at: datetime
    has_webhook: bool = False
    wanted_model: str | None = None  # name@version; None: the task's default
    owner_id: UUID | None = None  # who asked; None: an anonymous caller
    waited: float = 0.0  # seconds from its creation to this claim


@dataclass(slots=True)
class Claims:
    """The verdict on each id of a batch."""

    fresh: list[Job] = field(default_factory=list)  # never claimed before: may share a batch
    alone: list[Job] = field(default_factory=list)  # claimed before: may be what killed its claimer
    again: list[UUID] = field(default_factory=list)  # the same, not taken: claim it by itself
    later: list[UUID] = field(default_factory=list)  # a live engine holds it: ask again soon
    drop: list[UUID] = field(default_factory=list)  # final, not due, or held: nothing to do
    unknown: list[UUID] = field(default_factory=list)  # no such row
    poison: list[UUID] = field(default_factory=list)  # given up now: its claimers kept vanishing
    poison_of: Counter[str] = field(default_factory=Counter)  # how many, by task

    @property
    def jobs(self) -> list[Job]:
        """All that was taken."""
        return self.fresh + self.alone


class Verdict(Enum):
    """What a delivery of a row in some state leads to."""

    TAKE = auto()
    TAKE_OVER = auto()
    POISON = auto()
    LATER = auto()
    DROP = auto()


def judge(row: Row[Any], redelivered: bool, owner_lives: bool) -> Verdict:
    """DESIGN section 4, "claim".

    A redelivered message of a row in `processing` means that the claimer lost its connection: it is
    dead (take over at once, without waiting for the lease) or it lives and may still finish.
    """
    if row.state == State.QUEUED:
        return Verdict.TAKE if row.is_due else Verdict.DROP
    if row.state != State.PROCESSING:
        return Verdict.DROP
    if not row.has_lapsed:
        if not redelivered:
            return Verdict.DROP
        if owner_lives:
            return Verdict.LATER
    return Verdict.POISON if row.lost_claims + 1 >= MOST_LOST_CLAIMS else Verdict.TAKE_OVER


def claim(
    session: Session, owner: UUID, deliveries: Mapping[UUID, bool], *, by_itself: bool = False
) -> Claims:
    """Take what can be taken of `deliveries` (id -> was it redelivered) for the engine `owner`.

    What was claimed before is only taken `by_itself`: whatever its claimer holds beside it would
    lose a claim, too, when it brings the process down, and be taken for poison itself.
    """
    rows = {row.id: row for row in execute(session, LOCKED, {"ids": sorted(deliveries)})}
    suspects = {rows[id].lease_owner for id, again in deliveries.items() if again and id in rows}
    alive = _alive(session, [owner for owner in suspects if owner])
    claims = Claims(unknown=[id for id in deliveries if id not in rows])
    for id, redelivered in deliveries.items():
        if id in rows:
            verdict = judge(rows[id], redelivered, rows[id].lease_owner in alive)
            _enter(claims, rows[id], verdict, by_itself)
    if claims.jobs:
        execute(session, TAKE, {"ids": [job.id for job in claims.jobs], "owner": owner})
    if claims.poison:
        _give_up(session, claims.poison)
    return claims


def _alive(session: Session, owners: Sequence[UUID]) -> set[UUID]:
    """Those engines whose heartbeat is recent."""
    if not owners:
        return set()
    recent = EngineProcess.seen_at > now(-SILENT)
    return set(
        session.scalars(select(EngineProcess.id).where(EngineProcess.id.in_(owners), recent))
    )


def _enter(claims: Claims, row: Row[Any], verdict: Verdict, by_itself: bool) -> None:
    match verdict:
        case Verdict.LATER:
            claims.later.append(row.id)
        case Verdict.DROP:
            claims.drop.append(row.id)
        case Verdict.POISON:
            claims.poison.append(row.id)
            claims.poison_of[row.task] += 1
        case Verdict.TAKE | Verdict.TAKE_OVER if row.attempts and not by_itself:
            claims.again.append(row.id)
        case Verdict.TAKE | Verdict.TAKE_OVER:
            job = Job(
                row.id, row.attempts + 1, row.failures, row.task, row.params, row.sha256,
                row.created_at, bool(row.has_webhook), row.wanted_model, row.owner_id,
                (row.claimed_at - row.created_at).total_seconds(),
            )  # fmt: skip
            (claims.alone if row.attempts else claims.fresh).append(job)


def _give_up(session: Session, ids: Sequence[UUID]) -> None:
    execute(
        session,
        update(Prediction)
        .where(Prediction.id.in_(ids))
        .values(
            lost_claims=Prediction.lost_claims + 1,
            state=State.FAILED,
            error_code=POISON,
            error_detail=f"{MOST_LOST_CLAIMS} engines vanished while they worked on this image.",
            finished_at=now(),
            check_at=None,
            lease_owner=None,
            lease_until=None,
        ),
    )
    note_final(session, ids)
