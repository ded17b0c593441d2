"""RATE_LIMIT: how many requests a caller may send.

A request is counted for its network first, before its credentials are verified, and then for its
account, or for the anonymous callers of its network. Refused credentials count tenfold for the
network, which limits guessing them. While the counters cannot be written, each process counts in
memory (see `api/limits/usage_meter.py`).
"""

from collections.abc import Callable
from functools import partial

from flask import Flask, request

from api.http.access_log import PROBES
from api.limits.charges import Kind, add_headers, charge_caller, charge_network, take
from api.state import app_state
from common.errors import Unauthorized
from common.settings import Settings
from common.settings.parsers import Allowance

REQUESTS = Kind(name="requests", noun="requests", setting="RATE_LIMIT")
REFUSED = "rate_limited"
REFUSED_CREDENTIALS_COST = 10  # a request with refused credentials counts as this many
CREDENTIALS = ("Authorization", "X-API-Key")


def register(app: Flask, settings: Settings, identify: Callable[[], None]) -> None:
    """Run `identify`, which authenticates the caller, before each request; apply the rate limit."""
    if settings.rate_limit:
        app.before_request(partial(_count_and_identify, settings.rate_limit, identify))
    else:
        app.before_request(identify)
    app.after_request(add_headers)


def _count_and_identify(limit: Allowance, identify: Callable[[], None]) -> None:
    """Count the request; raises TooManyRequests `rate_limited` and the errors of `identify`."""
    if _is_exempt():
        return
    network = charge_network(REQUESTS, limit, 1)
    take([network], REFUSED)
    try:
        identify()
    except Unauthorized:
        more = REFUSED_CREDENTIALS_COST - network.amount
        app_state().usage_meter.add(network.counter, network.allowance, more)
        raise
    take([charge_caller(REQUESTS, limit, 1)], REFUSED)


def _is_exempt() -> bool:
    """Return whether the request is not counted.

    Probes, the static files of the pages and CORS preflight requests are not, unless they carry
    credentials, which would have to be verified.
    """
    is_own = request.path in PROBES or request.endpoint in ("static", "docs.asset")
    has_credentials = any(name in request.headers for name in CREDENTIALS)
    return (is_own or request.method == "OPTIONS") and not has_credentials
