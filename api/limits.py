"""Rate limits and quotas, where the settings set some: of an account, else of an address.

Counted in the database, so that all processes count together. A window begins with what is counted
first in it. What is left is told as the IETF's draft "RateLimit header fields for HTTP"
(draft-ietf-httpapi-ratelimit-headers-10) has it.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from flask import Flask, Response, g, request
from sqlalchemy.orm import Session

from api.context import current_user, services
from api.headers import PROBES
from common import counters
from common.counters import Count
from common.db import transact
from common.errors import TooManyRequests, Unavailable
from common.networks import network_of
from common.settings import Settings
from common.settings_parsers import Allowance

REQUESTS, UPLOADS, BYTES = "requests", "uploads", "bytes"
UNITS = {BYTES: ';qu="content-bytes"'}  # what is no request is said to be none


@dataclass(frozen=True, slots=True)
class Told:
    """An allowance, and how the caller stands with it."""

    name: str
    allowance: Allowance
    count: Count


@dataclass(slots=True)
class Upload:
    """An upload within its quota; what does not count in the end is given back."""

    counts: bool = False


def register(app: Flask, settings: Settings) -> None:
    """Limit what the settings limit; without them nothing is asked or added."""
    if settings.rate_limit:
        app.before_request(_take_request)
    if settings.rate_limit or settings.upload_quota or settings.bytes_quota:
        app.after_request(_tell)


@contextmanager
def upload(size: int) -> Iterator[Upload]:
    """Count an upload of so many bytes; raises TooManyRequests `quota_exceeded`."""
    wanted = _quotas(size)
    if wanted:
        g.allowances = g.get("allowances", []) + transact(
            services().sessions, lambda session: _take_all(session, wanted)
        )
    taken = Upload()
    try:
        yield taken
    finally:
        if wanted and not taken.counts:
            _give_back(wanted)


def _take_request() -> None:
    """Count a request; raises TooManyRequests `rate_limited`. Probes and our own pages' files do
    not count.
    """
    limit = services().settings.rate_limit
    is_ours = request.path in PROBES or request.endpoint in ("static", "docs.asset")
    if limit is None or is_ours or request.method == "OPTIONS":
        return
    # Without its database the service is no good to anybody, and says so by itself.
    with suppress(Unavailable):
        told = transact(
            services().sessions, lambda session: _take(session, REQUESTS, limit, amount=1)
        )
        g.allowances = [told]
        if not told.count.allowed:
            raise _refused(told, "rate_limited", "You ask too often")


def _quotas(size: int) -> list[tuple[str, Allowance, int]]:
    settings = services().settings
    quotas = ((UPLOADS, settings.upload_quota, 1), (BYTES, settings.bytes_quota, size))
    return [(name, quota, amount) for name, quota, amount in quotas if quota]


def _take_all(session: Session, wanted: list[tuple[str, Allowance, int]]) -> list[Told]:
    """All of it or nothing: what is raised rolls back."""
    taken = []
    for name, quota, amount in wanted:
        told = _take(session, name, quota, amount)
        if not told.count.allowed:
            raise _refused(told, "quota_exceeded", f"Your quota of {name} is used up")
        taken.append(told)
    return taken


def _take(session: Session, name: str, allowance: Allowance, amount: int) -> Told:
    found = counters.add(session, _counter(name), allowance.seconds, allowance.most, amount)
    return Told(name, allowance, found)


def _give_back(wanted: list[tuple[str, Allowance, int]]) -> None:
    def work(session: Session) -> None:
        for name, _, amount in wanted:
            counters.give_back(session, _counter(name), amount)

    with suppress(Unavailable):  # the window ends by itself
        transact(services().sessions, work)


def _counter(name: str) -> bytes:
    caller = current_user().id
    whose = f"account {caller}" if caller else f"address {network_of(request.remote_addr)}"
    return counters.name_of("limit", name, whose)


def _refused(told: Told, code: str, what: str) -> TooManyRequests:
    most, seconds = told.allowance
    wait = max(1, round(told.count.ends_in + 0.5))
    g.allowances = [told]
    detail = f"{what}: {most:,} within {seconds:,} s are allowed. Come back in {wait:,} s."
    return TooManyRequests(detail, code=code, retry_after=wait)


def _tell(response: Response) -> Response:
    allowances: list[Told] = g.get("allowances", [])
    if allowances:
        response.headers["RateLimit-Policy"] = ", ".join(map(_policy, allowances))
        response.headers["RateLimit"] = ", ".join(map(_left, allowances))
    return response


def _policy(told: Told) -> str:
    most, seconds = told.allowance
    return f'"{told.name}";q={most};w={seconds}{UNITS.get(told.name, "")}'


def _left(told: Told) -> str:
    left = max(0, told.allowance.most - told.count.so_far)
    return f'"{told.name}";r={left};t={max(0, round(told.count.ends_in + 0.5))}'
