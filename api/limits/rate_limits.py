"""RATE_LIMIT: how many requests a caller may send.

A request is counted for its network first, before its credentials are looked up, and then for its
account, or for the anonymous callers of its network. Refused credentials count tenfold for the
network, so that guessing them is limited as well. While the counters cannot be written, each
process counts by itself (see `api/limits/usage_meter.py`).
"""

from collections.abc import Callable
from functools import partial

from flask import Flask, request

from api.http.headers import PROBES
from api.limits.charges import Kind, charge_caller, charge_network, take, tell
from api.state import app_state
from common.errors import Unauthorized
from common.settings import Settings
from common.settings.parsers import Allowance

REQUESTS = Kind(name="requests", what="requests", setting="RATE_LIMIT")
REFUSED = "rate_limited"
REFUSED_CREDENTIALS = 10  # requests that one with refused credentials counts as
CREDENTIALS = ("Authorization", "X-API-Key")


def register(app: Flask, settings: Settings, identify: Callable[[], None]) -> None:
    """Have `identify` find out who calls, within the rate limit where one is set."""
    if settings.rate_limit:
        app.before_request(partial(_identify_within, settings.rate_limit, identify))
    else:
        app.before_request(identify)
    app.after_request(tell)


def _identify_within(limit: Allowance, identify: Callable[[], None]) -> None:
    """Count the request; raises TooManyRequests `rate_limited`, and what `identify` raises."""
    if _is_free():
        return
    network = charge_network(REQUESTS, limit, 1)
    take([network], REFUSED)
    try:
        identify()
    except Unauthorized:
        more = REFUSED_CREDENTIALS - network.amount
        app_state().meter.add(network.counter, network.allowance, more)
        raise
    take([charge_caller(REQUESTS, limit, 1)], REFUSED)


def _is_free() -> bool:
    """Whether the request is not counted: a probe, a file of our own pages or a preflight request,
    without credentials that would have to be looked up.
    """
    is_ours = request.path in PROBES or request.endpoint in ("static", "docs.asset")
    has_credentials = any(name in request.headers for name in CREDENTIALS)
    return (is_ours or request.method == "OPTIONS") and not has_credentials
