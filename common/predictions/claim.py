"""Claim a batch of predictions for one worker: one SELECT, one UPDATE."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum, auto
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import bindparam, case, select, update
from sqlalchemy.orm import Session

from common.database.rows import rows_as
from common.database.session import execute, now
from common.database.types import Id
from common.predictions.completion import final_columns, note_final
from common.predictions.constants import DEAD_AFTER, LEASE, MOST_LOST_CLAIMS
from common.tables import EngineProcess, Prediction, State

POISON = "poison"
# Prebuilt: building these statements costs more than sending them.
_p = Prediction
_THEM = _p.id.in_(bindparam("ids", expanding=True))
LOCKED = (
    select(
        _p.id, _p.state, _p.attempts, _p.failures, _p.lost_claims, _p.ran_alone, _p.lease_owner,
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
TAKE = (
    update(_p)
    .where(_THEM)
    .values(
        state=State.PROCESSING,
        attempts=_p.attempts + 1,
        ran_alone=bindparam("by_itself", type_=_p.ran_alone.type),
        lease_owner=bindparam("owner", type_=Id),
        lease_until=now(LEASE),
        check_at=now(LEASE),
        started_at=now(),
    )
)
COUNT_LOST = update(_p).where(_THEM).values(lost_claims=_p.lost_claims + 1)


class ClaimRow(NamedTuple):
    """The columns of LOCKED, in order."""

    id: UUID
    state: str
    attempts: int
    failures: int
    lost_claims: int
    ran_alone: bool
    lease_owner: UUID | None
    task: str
    params: dict[str, Any]
    sha256: bytes | None
    created_at: datetime
    wanted_model: str | None
    owner_id: UUID | None
    claimed_at: datetime
    is_due: int
    has_lapsed: int
    has_webhook: int


@dataclass(frozen=True, slots=True)
class Job:
    """A claimed prediction as its worker sees it; `attempt` is the fencing token."""

    id: UUID
    attempt: int
    failures: int
    task: str
    params: dict[str, Any]
    sha256: bytes | None
    created_at: datetime
    has_webhook: bool = False
    wanted_model: str | None = None  # name@version; None: the task's default
    owner_id: UUID | None = None  # None: an anonymous caller
    waited: float = 0.0  # seconds from its creation to this claim


@dataclass(slots=True)
class Claims:
    """The result of claiming a batch: each id is in one of these lists."""

    fresh: list[Job] = field(default_factory=list)  # first claim: may share a batch
    alone: list[Job] = field(default_factory=list)  # claimed before: may have crashed its claimer
    confirmed: list[Job] = field(default_factory=list)  # claimed by an unanswered COMMIT before
    again: list[UUID] = field(default_factory=list)  # claimed before: claim it `by_itself`
    later: list[UUID] = field(default_factory=list)  # a live engine holds it: claim again soon
    drop: list[UUID] = field(default_factory=list)  # final, not due, or held by another engine
    unknown: list[UUID] = field(default_factory=list)  # no such row
    poison: list[UUID] = field(default_factory=list)  # failed now, see MOST_LOST_CLAIMS
    poison_of: Counter[str] = field(default_factory=Counter)  # their number by task

    @property
    def jobs(self) -> list[Job]:
        """All claimed jobs."""
        return self.fresh + self.alone + self.confirmed


class Verdict(Enum):
    """What to do with a message, depending on the row of its prediction."""

    TAKE = auto()
    TAKE_OVER = auto()
    POISON = auto()
    LATER = auto()
    DROP = auto()


def judge(row: ClaimRow, redelivered: bool, owner_lives: bool) -> Verdict:
    """Decide what to do with a message whose prediction's row is `row`.

    A redelivered message of a row in `processing` means that the claimer lost its connection to the
    broker. If the claimer is dead, the row is taken over without waiting for its lease; if it is
    alive, it may still finish.
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
    is_poison = row.ran_alone and not owner_lives and row.lost_claims + 1 >= MOST_LOST_CLAIMS
    return Verdict.POISON if is_poison else Verdict.TAKE_OVER


def claim(
    session: Session,
    owner: UUID,
    deliveries: Mapping[UUID, bool],
    *,
    by_itself: bool = False,
    unconfirmed: Mapping[UUID, int] | None = None,
) -> Claims:
    """Claim predictions of `deliveries` (id -> whether the message was redelivered) for the engine
    `owner`.

    A prediction that was claimed before is taken only if `by_itself` is set: if it crashes the
    process, no other prediction loses a claim. `unconfirmed` (id -> attempt) are the claims of an
    earlier call for the same deliveries whose COMMIT was not answered; the committed ones of them
    belong to the caller.
    """
    locked = rows_as(ClaimRow, execute(session, LOCKED, {"ids": sorted(deliveries)}))
    rows = {row.id: row for row in locked}
    alive = _alive(session, _owners_in_doubt(rows, deliveries))
    claims = Claims(unknown=[id for id in deliveries if id not in rows])
    for id, row in ((id, rows[id]) for id in deliveries if id in rows):
        if unconfirmed and _is_mine(row, owner, unconfirmed.get(id)):
            claims.confirmed.append(_job(row, row.attempts))
        else:
            verdict = judge(row, deliveries[id], row.lease_owner in alive)
            _sort_in(claims, row, verdict, by_itself)
    taken = [job.id for job in claims.fresh + claims.alone]
    if lost := [id for id in (*taken, *claims.poison) if _is_lost(rows[id], alive)]:
        execute(session, COUNT_LOST, {"ids": lost})
    if taken:
        execute(session, TAKE, {"ids": taken, "owner": owner, "by_itself": by_itself})
    if claims.poison:
        _fail_poison(session, claims.poison)
    return claims


def _is_mine(row: ClaimRow, owner: UUID, attempt: int | None) -> bool:
    held = row.state == State.PROCESSING and row.lease_owner == owner
    return bool(held and row.attempts == attempt)


def _is_lost(row: ClaimRow, alive: Collection[UUID]) -> bool:
    """Whether the claimer ended while it ran this prediction alone. Other claims prove nothing: the
    process may have ended for another reason, or it may be alive without a connection.
    """
    is_held = row.state == State.PROCESSING and row.lease_owner not in alive
    return bool(is_held and row.ran_alone)


def _owners_in_doubt(rows: Mapping[UUID, ClaimRow], deliveries: Mapping[UUID, bool]) -> set[UUID]:
    return {
        row.lease_owner
        for id, row in rows.items()
        if row.lease_owner and (deliveries[id] or row.has_lapsed)
    }


def _alive(session: Session, owners: Collection[UUID]) -> set[UUID]:
    """The engines among `owners` whose heartbeat is recent."""
    if not owners:
        return set()
    recent = EngineProcess.seen_at > now(-DEAD_AFTER)
    return set(
        session.scalars(select(EngineProcess.id).where(EngineProcess.id.in_(owners), recent))
    )


def _sort_in(claims: Claims, row: ClaimRow, verdict: Verdict, by_itself: bool) -> None:
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
            job = _job(row, row.attempts + 1)
            (claims.alone if row.attempts else claims.fresh).append(job)


def _job(row: ClaimRow, attempt: int) -> Job:
    return Job(
        row.id, attempt, row.failures, row.task, row.params, row.sha256, row.created_at,
        bool(row.has_webhook), row.wanted_model, row.owner_id,
        (row.claimed_at - row.created_at).total_seconds(),
    )  # fmt: skip


def _fail_poison(session: Session, ids: Sequence[UUID]) -> None:
    execute(
        session,
        update(Prediction)
        .where(Prediction.id.in_(ids))
        .values(
            state=State.FAILED,
            error_code=POISON,
            error_detail=f"{MOST_LOST_CLAIMS} engines ended while they worked on this input alone.",
            **final_columns(),
        ),
    )
    note_final(session, ids)
