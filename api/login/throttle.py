"""The log-in throttle: limits failed log-ins per account and per network.

Failures are counted for each pair of account and network, and for each network, so that an attacker
elsewhere cannot lock the owner out. The failures of an account from all networks together only slow
down networks from which no log-in to it has succeeded lately.

An attempt is counted before the password is checked, so that concurrent attempts get no further
than sequential ones. It is taken back if the password is right, or if it could not be checked.
"""

from sqlalchemy.orm import Session

from common.accounts.names import name_key
from common.client_networks import network_of
from common.errors import TooManyRequests
from common.housekeeping import rate_counters
from common.housekeeping.rate_counters import Count

WINDOW = 900  # seconds
PER_ACCOUNT_AND_NETWORK = 5  # failures in a window
PER_NETWORK = 50  # failures in a window; many users may share a network
PER_ACCOUNT = 100  # failures in a window; then unknown networks get one attempt per PAUSE
PAUSE = 10  # seconds
KNOWN = 30 * 24 * 3600  # seconds for which a network counts as known after a log-in


def count_attempt(session: Session, account: str, address: str) -> None:
    """Count an attempt; raises TooManyRequests if too many have failed."""
    names = _Names(account, address)
    _must_be_allowed(rate_counters.add(session, names.pair, WINDOW, PER_ACCOUNT_AND_NETWORK))
    _must_be_allowed(rate_counters.add(session, names.network, WINDOW, PER_NETWORK))
    by_account = rate_counters.add(session, names.account, WINDOW)
    if by_account.so_far > PER_ACCOUNT and not rate_counters.look(session, names.known).so_far:
        _must_be_allowed(rate_counters.add(session, names.turn, PAUSE, 1))


def uncount_attempt(session: Session, account: str, address: str) -> None:
    """Take back an attempt whose password could not be checked."""
    names = _Names(account, address)
    for name in (names.pair, names.network, names.account):
        rate_counters.give_back(session, name)


def count_success(session: Session, account: str, address: str) -> None:
    """Clear the failures of this account from this network, and mark the network as known.

    The failures of the network with other accounts are kept, less this attempt.
    """
    names = _Names(account, address)
    rate_counters.forget(session, names.pair)
    rate_counters.give_back(session, names.network)
    rate_counters.give_back(session, names.account)
    rate_counters.forget(session, names.known)
    rate_counters.add(session, names.known, KNOWN)


class _Names:
    """The counter names for an account and a client address."""

    def __init__(self, account: str, address: str):
        key, network = name_key(account), network_of(address)
        self.pair = rate_counters.name_of("login", "account and network", key, network)
        self.network = rate_counters.name_of("login", "network", network)
        self.account = rate_counters.name_of("login", "account", key)
        self.turn = rate_counters.name_of("login", "turn", key)
        self.known = rate_counters.name_of("login", "known", key, network)


def _must_be_allowed(count: Count) -> None:
    if not count.allowed:
        raise TooManyRequests(
            "Too many log-ins have failed. Wait for the seconds in Retry-After, then try again.",
            code="too_many_logins",
            retry_after=max(1, round(count.ends_in + 0.5)),
        )
