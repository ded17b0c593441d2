"""What captions cost, and how much of the month's budget they have used."""

import time
from dataclasses import dataclass
from threading import Lock
from uuid import UUID

from sqlalchemy import ColumnElement, bindparam, func, select
from sqlalchemy.orm import Session

from common.database.session import Sessions, clock, execute, read
from common.database.types import Moment
from common.tables import Prediction, State
from common.tasks.caption import CONTRACT as CAPTION
from engine.captioners.errors import BudgetExceeded, Tokens

VALID = 10.0  # seconds that the sum is not read again
SHARE = 50  # times as long as reading it took it is valid: at most 2 % of the time goes there
MILLION = 1_000_000

_COST: ColumnElement[float] = Prediction.result["cost_usd"].as_float()
SPENT = (
    select(Prediction.owner_id, func.coalesce(func.sum(_COST), 0.0).label("dollars"))
    .where(
        Prediction.task == CAPTION.name,
        # Both values are named so that the index over (task, interactive, started_at) leads there.
        Prediction.interactive.in_([False, True]),
        Prediction.started_at >= bindparam("since", type_=Moment),
        Prediction.state == State.SUCCEEDED,
        Prediction.cached.is_(False),  # given again, paid once
    )
    .group_by(Prediction.owner_id)
)


@dataclass(frozen=True, slots=True)
class Price:
    """US dollars for a million tokens."""

    prompt: float
    completion: float

    def of(self, tokens: Tokens) -> float:
        """US dollars."""
        paid = tokens.prompt * self.prompt + tokens.completion * self.completion
        return round(paid / MILLION, 9)


def spent_this_month(session: Session) -> float:
    """US dollars of all captions since the month began (UTC, the database's clock)."""
    return sum(spent_by_caller(session).values())


def spent_by_caller(session: Session) -> dict[UUID | None, float]:
    """The same by the account that asked; None: all anonymous callers."""
    month = clock(session).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    rows = execute(session, SPENT, {"since": month})
    return {row.owner_id: float(row.dollars) for row in rows}


class Budget:
    """US dollars a calendar month, over all engines; any thread may call it.

    The rows are the account. They are summed once in VALID seconds, and what this engine has spent
    since is added, so the budget is overdrawn by no more than others' calls of that time and the
    calls under way. A call that led to no caption is in no row and not counted.

    One caller may spend `share` of what the others have left of the budget, so that there is always
    something left for the next one.
    """

    def __init__(self, most: float, sessions: Sessions, share: float = 1.0):
        self._most = most
        self._share = share
        self._sessions = sessions
        self._lock = Lock()
        self._spent: dict[UUID | None, float] = {}
        self._valid_until = float("-inf")

    def check(self, caller: UUID | None = None) -> None:
        """Raises BudgetExceeded when the budget or the caller's share of it is used up,
        DatabaseUnavailable when the rows cannot be read.
        """
        with self._lock:
            if time.monotonic() > self._valid_until:
                self._read()
            own, spent = self._spent.get(caller, 0.0), sum(self._spent.values())
        if spent >= self._most:
            raise BudgetExceeded(
                f"The month's budget for captions, {self._most:g} US dollars, is used up."
            )
        if own >= self._share * (self._most - (spent - own)):
            raise BudgetExceeded(
                f"This caller has used its share of the month's budget for captions: "
                f"{self._share:.0%} of what others have left of {self._most:g} US dollars. "
                "The next month (UTC) begins anew; the operator sets CAPTION_BUDGET_SHARE."
            )

    def add(self, cost: float | None, caller: UUID | None = None) -> None:
        """The caller has just spent this."""
        with self._lock:
            self._spent[caller] = self._spent.get(caller, 0.0) + (cost or 0.0)

    def _read(self) -> None:
        start = time.monotonic()
        self._spent = read(self._sessions, spent_by_caller)
        end = time.monotonic()
        self._valid_until = end + max(VALID, SHARE * (end - start))
