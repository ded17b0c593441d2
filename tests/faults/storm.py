"""The storm: uploads in bursts, and in the middle of them SIGKILLs of engines and API workers.

One engine at a time is down: it is killed, started again, and the next kill waits until it works.
"""

import math
import random
import threading
import time
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from common.database.session import Sessions, now, read
from common.tables import Prediction, State
from tests.faults.clients import Clients, Upload
from tests.faults.ledger import Ledger, check
from tests.faults.stack import FaultStack, wait_until_it_works

API_SHARE = 4  # every so many kills, one of an API's worker
IN_THE_MIDDLE = 0.25  # seconds after a burst within which the kill comes
FOLLOWED = 20.0  # seconds


@dataclass
class Storm:
    """What happened: every upload, the kills, and how long killed work lay idle."""

    uploads: list[Upload] = field(default_factory=list)
    engine_kills: int = 0
    api_kills: int = 0
    hit: int = 0
    delays: list[float] = field(default_factory=list)  # seconds from the kill to the next claim
    never: int = 0  # rows that nobody took over within FOLLOWED

    @property
    def kills(self) -> int:
        return self.engine_kills + self.api_kills

    def settle(self, stack: FaultStack, within: float) -> Ledger:
        """The ledger of the whole storm."""
        ledger = check(stack, self.uploads, within=within)
        ledger.kills, ledger.hit = self.kills, self.hit
        return ledger


def run(stack: FaultStack, uploads: int, kills: int, *, seed: int, seconds: float) -> Storm:
    """Send `uploads`, evenly before the `kills`; ends early after `seconds`."""
    storm, chance = Storm(), random.Random(seed)
    deadline = time.monotonic() + seconds
    followers: list[threading.Thread] = []
    with Clients(stack.urls, f"storm-{seed}") as clients:
        for number in range(kills):
            if time.monotonic() > deadline:
                break
            for engine in stack.engines:
                wait_until_it_works(stack.sessions, engine.pid)
            clients.send(uploads * (number + 1) // kills - uploads * number // kills)
            time.sleep(chance.uniform(0, IN_THE_MIDDLE))
            if number % API_SHARE == API_SHARE - 1:
                storm.api_kills += stack.kill_worker_of(chance.randrange(len(stack.apis)))
            else:
                followers.append(_kill_engine(stack, storm, chance))
    for follower in followers:
        follower.join()
    storm.uploads = clients.uploads
    return storm


def _kill_engine(stack: FaultStack, storm: Storm, chance: random.Random) -> threading.Thread:
    """Kill one, see what it held, start it again, wait until it works."""
    number = chance.randrange(len(stack.engines))
    victim = stack.engines[number]
    owner = wait_until_it_works(stack.sessions, victim.pid)
    victim.kill()
    held, at = read(stack.sessions, lambda session: _held_by(session, owner))
    storm.engine_kills += 1
    storm.hit += len(held)
    follower = threading.Thread(target=_follow, args=(stack.sessions, storm, held, at))
    follower.start()
    stack.start_engine(number, SLOW_WORK=stack.environ.get("SLOW_WORK", "0"))
    return follower


def _held_by(session: Session, owner: UUID) -> tuple[dict[UUID, int], datetime]:
    """What the engine had claimed, with the attempt, and what the database's clock says."""
    mine = (Prediction.lease_owner == owner, Prediction.state == State.PROCESSING)
    rows = session.execute(select(Prediction.id, Prediction.attempts).where(*mine)).all()
    at = session.scalar(select(now()))
    assert at is not None
    return {row.id: row.attempts for row in rows}, at


def _follow(sessions: Sessions, storm: Storm, held: dict[UUID, int], at: datetime) -> None:
    """When each of these rows is claimed again, by the database's clock."""
    deadline = time.monotonic() + FOLLOWED
    columns = (Prediction.id, Prediction.attempts, Prediction.started_at, Prediction.state)
    left = dict(held)
    while left and time.monotonic() < deadline:
        query = select(*columns).where(Prediction.id.in_(list(left)))
        for row in read(sessions, partial(_rows, query)):
            if row.attempts > left[row.id] or State(row.state).is_final:
                again = row.attempts > left[row.id] and row.started_at is not None
                storm.delays.append((row.started_at - at).total_seconds() if again else 0.0)
                del left[row.id]
        time.sleep(0.02)
    storm.never += len(left)


def _rows(query: Any, session: Session) -> list[Any]:
    return list(session.execute(query).all())


def quantile(values: list[float], share: float) -> float:
    """The smallest value that `share` of all do not exceed; 0 of none."""
    if not values:
        return 0.0
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]
