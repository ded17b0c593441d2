"""Counters of rate limits and quotas: counts within a window of time, up to a limit.

A window begins with the first count in it. Functions take the session first and never commit: a
count is committed with the transaction of what is counted.
"""

import hashlib
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, bindparam, case, delete, select, update
from sqlalchemy.orm import Session

from common.database.session import execute, insert_missing, now
from common.tables import Counter

UNLIMITED = 2**62


class Count(NamedTuple):
    """The state of a counter."""

    allowed: bool  # False: the count would have exceeded the limit and was not changed
    so_far: int
    ends_in: float  # seconds until the window ends


_c = Counter
_THIS = _c.name == bindparam("its_name")
_OVER = _c.ends_at <= now()
_amount = bindparam("amount", type_=BigInteger)
_sum = case((_OVER, _amount), else_=_c.count + _amount)
INSERT = insert_missing(_c).values(ends_at=now(bindparam("window", type_=BigInteger)))
ADD = (
    update(_c)
    .where(_THIS, _sum <= bindparam("limit", type_=BigInteger))
    # In this order: MySQL assigns columns one after another and reads the values assigned before.
    .ordered_values(
        (_c.count, _sum),
        (_c.ends_at, case((_OVER, now(bindparam("window", type_=BigInteger))), else_=_c.ends_at)),
    )
)
SUBTRACT = (
    update(_c)
    .where(_THIS, _c.ends_at > now(), _c.count >= _amount)
    .values(count=_c.count - _amount)
)
DELETE = delete(_c).where(_THIS)
READ = select(_c.count, _c.ends_at, now().label("clock")).where(_THIS)


def name_of(*parts: str) -> bytes:
    """Return a counter's name, the sha256 of what is counted and of the caller."""
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).digest()


def add(
    session: Session, name: bytes, window: float, limit: int = UNLIMITED, amount: int = 1
) -> Count:
    """Add `amount` to the count of a window of `window` seconds, unless the sum would exceed
    `limit`; returns the counter's state. Its row is locked until COMMIT.
    """
    change = {"its_name": name, "window": round(window * 1e6), "limit": limit, "amount": amount}
    allowed = bool(execute(session, ADD, change).rowcount)
    if not allowed and amount <= limit:
        first = {"name": name, "count": amount, "window": change["window"]}
        allowed = bool(execute(session, INSERT, first).rowcount)
        # The row exists: its count is at the limit, or another transaction has just inserted it.
        allowed = allowed or bool(execute(session, ADD, change).rowcount)
    return look(session, name)._replace(allowed=allowed)


def look(session: Session, name: bytes) -> Count:
    """Return the counter's state."""
    row: Any = execute(session, READ, {"its_name": name}).first()
    if row is None or row.ends_at <= row.clock:
        return Count(True, 0, 0.0)
    return Count(True, row.count, (row.ends_at - row.clock).total_seconds())


def give_back(session: Session, name: bytes, amount: int = 1) -> None:
    """Subtract `amount` from the count of the current window."""
    execute(session, SUBTRACT, {"its_name": name, "amount": amount})


def forget(session: Session, name: bytes) -> None:
    """Reset the counter to zero."""
    execute(session, DELETE, {"its_name": name})
