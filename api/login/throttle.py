"""The log-in throttle: how many wrong passwords are answered before the next one must wait.

Failures are counted by account and network together, and by network, so that a stranger who guesses
does not lock the owner out. Failures of an account from all networks together only slow down
networks from which nobody has signed in to it lately.

An attempt is counted before the password is checked, so that many attempts at once get no further
than one after another. It is given back when the password was right, and when it was not checked.
"""

from sqlalchemy.orm import Session

from common.accounts.names import name_key
from common.client_networks import network_of
from common.errors import TooManyRequests
from common.housekeeping import rate_counters
from common.housekeeping.rate_counters import Count

WINDOW = 900  # seconds
PER_ACCOUNT_AND_NETWORK = 5  # failures in a window
PER_NETWORK = 50  # behind one network are many people
PER_ACCOUNT = 100  # from all networks; then one attempt each PAUSE seconds from unknown ones
PAUSE = 10  # seconds
KNOWN = 30 * 24 * 3600  # seconds for which a network is known after a log-in


def take(session: Session, account: str, address: str) -> None:
    """Count an attempt; raises TooManyRequests after too many failures."""
    names = _Names(account, address)
    _must_be_allowed(rate_counters.add(session, names.pair, WINDOW, PER_ACCOUNT_AND_NETWORK))
    _must_be_allowed(rate_counters.add(session, names.network, WINDOW, PER_NETWORK))
    by_account = rate_counters.add(session, names.account, WINDOW)
    if by_account.so_far > PER_ACCOUNT and not rate_counters.look(session, names.known).so_far:
        _must_be_allowed(rate_counters.add(session, names.turn, PAUSE, 1))


def give_back(session: Session, account: str, address: str) -> None:
    """The password was not checked: the attempt does not count."""
    names = _Names(account, address)
    for name in (names.pair, names.network, names.account):
        rate_counters.give_back(session, name)


def forgive(session: Session, account: str, address: str) -> None:
    """The password was right: the account starts anew at this network, which is known from now on;
    the attempt does not count for the network, where others may be guessing.
    """
    names = _Names(account, address)
    rate_counters.forget(session, names.pair)
    rate_counters.give_back(session, names.network)
    rate_counters.give_back(session, names.account)
    rate_counters.forget(session, names.known)
    rate_counters.add(session, names.known, KNOWN)


class _Names:
    """The names of the counters of an account and an address."""

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
            "Too many failed log-ins; wait before the next one.",
            code="too_many_logins",
            retry_after=max(1, round(count.ends_in + 0.5)),
        )
