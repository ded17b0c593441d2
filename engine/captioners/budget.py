"""What captions cost, and how much of the month's budget they have used."""

import time
from dataclasses import dataclass
from threading import Lock

from sqlalchemy import ColumnElement, bindparam, func, select
from sqlalchemy.orm import Session

from common.columns import Moment
from common.db import Sessions, clock, execute, read
from common.tables import Prediction, State
from engine.captioners.faults import BudgetExceeded, Tokens

VALID = 10.0  # seconds that the sum is not read again
SHARE = 50  # times as long as reading it took it is valid: at most 2 % of the time goes there
MILLION = 1_000_000

_COST: ColumnElement[float] = Prediction.result["cost_usd"].as_float()
SPENT = select(func.coalesce(func.sum(_COST), 0.0)).where(
    Prediction.task == "caption",
    # Both values are named so that the index over (task, interactive, started_at) leads there.
    Prediction.interactive.in_([False, True]),
    Prediction.started_at >= bindparam("since", type_=Moment),
    Prediction.state == State.SUCCEEDED,
    Prediction.cached.is_(False),  # given again, paid once
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
    month = clock(session).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return float(execute(session, SPENT, {"since": month}).scalar_one())


class Budget:
    """US dollars a calendar month, over all engines; any thread may call it.

    The rows are the account. They are summed once in VALID seconds, and what this engine has spent
    since is added, so the budget is overdrawn by no more than others' calls of that time and the
    calls under way. A call that led to no caption is in no row and not counted.
    """

    def __init__(self, most: float, sessions: Sessions):
        self._most = most
        self._sessions = sessions
        self._lock = Lock()
        self._spent = 0.0
        self._valid_until = float("-inf")

    def check(self) -> None:
        """Raises BudgetExceeded; DatabaseUnavailable when the rows cannot be read."""
        with self._lock:
            if time.monotonic() > self._valid_until:
                self._read()
            if self._spent >= self._most:
                raise BudgetExceeded(
                    f"The month's budget for captions, {self._most:g} US dollars, is used up."
                )

    def add(self, cost: float | None) -> None:
        """This was just spent."""
        with self._lock:
            self._spent += cost or 0.0

    def _read(self) -> None:
        start = time.monotonic()
        self._spent = read(self._sessions, spent_this_month)
        end = time.monotonic()
        self._valid_until = end + max(VALID, SHARE * (end - start))
