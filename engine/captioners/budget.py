"""The cost of captions, and how much of the month's budget has been spent."""

from dataclasses import dataclass
from threading import Lock
from uuid import UUID

from sqlalchemy import ColumnElement, bindparam, func, select
from sqlalchemy.orm import Session

from common.database.session import Sessions, clock, execute, read
from common.database.types import Moment
from common.fresh import Fresh
from common.tables import Prediction, State
from common.tasks.caption import CONTRACT as CAPTION
from engine.captioners.errors import BudgetExceeded, Tokens

VALID = 10.0  # seconds that a sum is used before it is read again
SHARE = 50  # a sum is valid for this many times its reading time: at most 2 % of the time is spent
MILLION = 1_000_000

_COST: ColumnElement[float] = Prediction.result["cost_usd"].as_float()
SPENT = (
    select(Prediction.owner_id, func.coalesce(func.sum(_COST), 0.0).label("dollars"))
    .where(
        Prediction.task == CAPTION.name,
        # Both values are listed so that the index over (task, interactive, started_at) is used.
        Prediction.interactive.in_([False, True]),
        Prediction.started_at >= bindparam("since", type_=Moment),
        Prediction.state == State.SUCCEEDED,
        Prediction.cached.is_(False),  # a cached result costs nothing
    )
    .group_by(Prediction.owner_id)
)


@dataclass(frozen=True, slots=True)
class Price:
    """US dollars per million tokens."""

    prompt: float
    completion: float

    def of(self, tokens: Tokens) -> float:
        """Return the price of these tokens in US dollars."""
        paid = tokens.prompt * self.prompt + tokens.completion * self.completion
        return round(paid / MILLION, 9)


def spent_this_month(session: Session) -> float:
    """Return the cost in US dollars of all captions since the month began (UTC, the database's
    clock).
    """
    return sum(spent_by_caller(session).values())


def spent_by_caller(session: Session) -> dict[UUID | None, float]:
    """Return the same by requesting account; None is the key of all anonymous callers."""
    month = clock(session).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    rows = execute(session, SPENT, {"since": month})
    return {row.owner_id: float(row.dollars) for row in rows}


class Budget:
    """A budget in US dollars per calendar month, over all engines; thread-safe.

    The rows are the record of what was spent. They are summed up at most once in VALID seconds, and
    what this engine has spent since is added. So the budget can be exceeded by the calls of other
    engines in that time and by calls in progress. A call without a caption is in no row and not
    counted.

    One caller may spend `share` of what the others have left of the budget, so that the budget is
    never used up by one caller.
    """

    def __init__(self, limit: float, sessions: Sessions, share: float = 1.0):
        self._limit = limit
        self._share = share
        self._sessions = sessions
        self._lock = Lock()
        self._by_caller = Fresh[dict[UUID | None, float]](VALID, cost_factor=SHARE)

    def check(self, caller: UUID | None = None) -> None:
        """Raise BudgetExceeded if the budget or the caller's share of it is used up, and
        DatabaseUnavailable if the rows cannot be read.
        """
        with self._lock:
            by_caller = self._read()
            own, spent = by_caller.get(caller, 0.0), sum(by_caller.values())
        if spent >= self._limit:
            raise BudgetExceeded(
                f"The month's budget for captions, {self._limit:g} US dollars, is used up."
            )
        if own >= self._share * (self._limit - (spent - own)):
            raise BudgetExceeded(
                f"You have used your share of the month's budget for captions: "
                f"{self._share:.0%} of what others have left of {self._limit:g} US dollars. "
                "Try again next month (UTC). The operator sets CAPTION_BUDGET_SHARE."
            )

    def add(self, cost: float | None, caller: UUID | None = None) -> None:
        """Record a cost of the caller."""
        with self._lock:
            by_caller = self._by_caller.latest
            if by_caller is not None:
                by_caller[caller] = by_caller.get(caller, 0.0) + (cost or 0.0)

    def _read(self) -> dict[UUID | None, float]:
        return self._by_caller.get(lambda: read(self._sessions, spent_by_caller))
