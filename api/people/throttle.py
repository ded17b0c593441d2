"""The log-in throttle: so many failures by account and by address, then a pause.

An attempt is counted before the password is looked at, and forgiven when it was the right one:
whoever tries many at once gets no further than one after another.
"""

from ipaddress import IPv6Address, ip_address

from sqlalchemy.orm import Session

from common import counters
from common.errors import TooManyRequests
from common.people.names import name_key

WINDOW = 900  # seconds
PER_ACCOUNT, PER_ADDRESS = 5, 50  # failures in a window; behind one address are many people
HOST_BITS = 64  # of an IPv6 address, which one customer can choose as they like


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


def network_of(address: str) -> str:
    """Whom an address stands for: itself, or the network that one customer has of IPv6."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, IPv6Address):
        if parsed.ipv4_mapped:
            return str(parsed.ipv4_mapped)
        return str(IPv6Address(int(parsed) >> HOST_BITS << HOST_BITS))
    return str(parsed)
