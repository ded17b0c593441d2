"""The log-in throttle: a limited number of failures by account and by network, then a pause.

An attempt is counted before the password is checked, and given back when the password was right,
so that many attempts at once get no further than one after another.
"""

from sqlalchemy.orm import Session

from common import counters
from common.errors import TooManyRequests
from common.networks import network_of
from common.people.names import name_key

WINDOW = 900  # seconds
PER_ACCOUNT, PER_ADDRESS = 5, 50  # failures in a window; behind one address are many people


def take(session: Session, account: str, address: str) -> None:
    """Count an attempt; raises TooManyRequests when there were too many that failed."""
    for name, most in zip(_names(account, address), (PER_ACCOUNT, PER_ADDRESS), strict=True):
        found = counters.add(session, name, WINDOW, most)
        if not found.allowed:
            detail = "Too many failed log-ins; wait before the next one."
            wait = max(1, round(found.ends_in + 0.5))
            raise TooManyRequests(detail, code="too_many_logins", retry_after=wait)


def forgive(session: Session, account: str, address: str) -> None:
    """It was the right password: the account begins anew, the address has one failure less."""
    by_account, by_address = _names(account, address)
    counters.forget(session, by_account)
    counters.give_back(session, by_address)


def _names(account: str, address: str) -> tuple[bytes, bytes]:
    return (
        counters.name_of("login", "account", name_key(account)),
        counters.name_of("login", "address", network_of(address)),
    )
