"""How often something was done within a window of time, and whether once more is still allowed.

A window begins with what is counted first in it. Functions take the session first and never commit:
who counts in the transaction that does the thing, counts what was done.
"""

import hashlib
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, bindparam, case, delete, select, update
from sqlalchemy.orm import Session

from common.database.session import execute, insert_missing, now
from common.tables import Counter

ANY = 2**62  # where nothing limits the count


class Count(NamedTuple):
    """How a counter stands."""

    allowed: bool  # False: it would have become more than allowed, and stayed what it was
    so_far: int
    ends_in: float  # seconds until it begins again at zero


_c = Counter
_THIS = _c.name == bindparam("its_name")
_OVER = _c.ends_at <= now()
_amount = bindparam("amount", type_=BigInteger)
_sum = case((_OVER, _amount), else_=_c.count + _amount)
# Built once: making a statement costs as much as sending it.
ENTER = insert_missing(_c).values(ends_at=now(bindparam("window", type_=BigInteger)))
ADD = (
    update(_c)
    .where(_THIS, _sum <= bindparam("most", type_=BigInteger))
    # In this order: MySQL gives columns their values one after another, and reads the new ones.
    .ordered_values(
        (_c.count, _sum),
        (_c.ends_at, case((_OVER, now(bindparam("window", type_=BigInteger))), else_=_c.ends_at)),
    )
)
GIVE_BACK = (
    update(_c)
    .where(_THIS, _c.ends_at > now(), _c.count >= _amount)
    .values(count=_c.count - _amount)
)
FORGET = delete(_c).where(_THIS)
LOOK = select(_c.count, _c.ends_at, now().label("clock")).where(_THIS)


def name_of(*parts: str) -> bytes:
    """A counter's name: what is counted, and for whom; those are not to be read from it."""
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).digest()


def add(session: Session, name: bytes, window: float, most: int = ANY, amount: int = 1) -> Count:
    """Count `amount` more, all of it or nothing, so that the sum of a window of that many seconds
    is never above `most`. The counter's row is held until COMMIT.
    """
    about = {"its_name": name, "window": round(window * 1e6), "most": most, "amount": amount}
    allowed = bool(execute(session, ADD, about).rowcount)
    if not allowed and amount <= most:
        first = {"name": name, "count": amount, "window": about["window"]}
        allowed = bool(execute(session, ENTER, first).rowcount)
        # Not the first after all: it was there, and full; or another was faster.
        allowed = allowed or bool(execute(session, ADD, about).rowcount)
    return look(session, name)._replace(allowed=allowed)


def look(session: Session, name: bytes) -> Count:
    """How the counter stands."""
    row: Any = execute(session, LOOK, {"its_name": name}).first()
    if row is None or row.ends_at <= row.clock:
        return Count(True, 0, 0.0)
    return Count(True, row.count, (row.ends_at - row.clock).total_seconds())


def give_back(session: Session, name: bytes, amount: int = 1) -> None:
    """Count `amount` less, as if it had not been done."""
    execute(session, GIVE_BACK, {"its_name": name, "amount": amount})


def forget(session: Session, name: bytes) -> None:
    """Begin again at zero."""
    execute(session, FORGET, {"its_name": name})
