"""Charge a request against its caller's allowances, and report what is left in the response.

The response headers follow the IETF draft "RateLimit header fields for HTTP"
(draft-ietf-httpapi-ratelimit-headers-10).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from flask import Response, g

from api.state import app_state, caller_key, caller_network, current_user
from common.errors import TooManyRequests
from common.housekeeping import rate_counters
from common.housekeeping.rate_counters import Count
from common.settings.parsers import Allowance

# A network may use a multiple of what one account may. It is limited since accounts are free.
NETWORK_MULTIPLE = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """What is counted: `name` and `unit` for headers, `noun` for messages, the setting's name.

    `unit` is empty for requests, the default unit of the RateLimit headers.
    """

    name: str
    noun: str
    setting: str
    unit: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Charge:
    """An amount to count against the allowance of `owner`; `whose` describes the owner in messages.

    `is_reported` is whether response headers show the allowance. A `is_guard` allowance is so large
    that it does not concern most callers: headers show it once half of it is used.
    """

    kind: Kind
    allowance: Allowance
    amount: int
    owner: str
    whose: str
    is_reported: bool = True
    is_guard: bool = False

    @property
    def counter(self) -> bytes:
        """The name of the counter."""
        return rate_counters.name_of("limit", self.kind.name, self.owner)


ChargeCount = tuple[Charge, Count]


def charge_caller(kind: Kind, allowance: Allowance, amount: int) -> Charge:
    """Return a charge to the account, or to the network of an anonymous caller."""
    id: UUID | None = current_user().id
    whose = "an account" if id else "the anonymous callers of a network"
    return Charge(kind=kind, allowance=allowance, amount=amount, owner=caller_key(), whose=whose)


def charge_network(kind: Kind, allowance: Allowance, amount: int) -> Charge:
    """Return a charge to all callers of the network together: NETWORK_MULTIPLE allowances."""
    shared = Allowance(allowance.limit * NETWORK_MULTIPLE, allowance.seconds)
    return Charge(
        kind=kind, allowance=shared, amount=amount, owner=f"all of {caller_network()}",
        whose="all callers of a network together", is_reported=False,
    )  # fmt: skip


def take(charges: Sequence[Charge], code: str) -> None:
    """Count all charges, or count none and raise TooManyRequests with this code."""
    meter = app_state().usage_meter
    taken: list[Charge] = []
    for charge in charges:
        count = meter.take(charge.counter, charge.allowance, charge.amount)
        if not count.allowed:
            give_back(taken)
            g.allowances = [(charge, count)]
            raise _refused(charge, count, code)
        taken.append(charge)
        if charge.is_reported and (
            not charge.is_guard or 2 * count.so_far > charge.allowance.limit
        ):
            g.allowances = [*g.get("allowances", []), (charge, count)]


def give_back(charges: Sequence[Charge]) -> None:
    """Take back charges that were counted."""
    for charge in charges:
        app_state().usage_meter.give_back(charge.counter, charge.amount)


def add_headers(response: Response) -> Response:
    """Add the headers RateLimit-Policy and RateLimit."""
    allowances: list[ChargeCount] = g.get("allowances", [])
    if allowances:
        response.headers["RateLimit-Policy"] = ", ".join(
            _policy(charge) for charge, _ in allowances
        )
        response.headers["RateLimit"] = ", ".join(
            _left(charge, count) for charge, count in allowances
        )
    return response


def _policy(charge: Charge) -> str:
    limit, seconds = charge.allowance
    unit = f';qu="{charge.kind.unit}"' if charge.kind.unit else ""
    return f'"{charge.kind.name}";q={limit};w={seconds}{unit}'


def _left(charge: Charge, count: Count) -> str:
    left = max(0, charge.allowance.limit - count.so_far)
    return f'"{charge.kind.name}";r={left};t={max(0, round(count.ends_in + 0.5))}'


def _refused(charge: Charge, count: Count, code: str) -> TooManyRequests:
    limit, seconds = charge.allowance
    wait = max(1, round(count.ends_in + 0.5))
    left = max(0, limit - count.so_far)
    detail = (
        f"The limit for {charge.whose} is {limit:,} {charge.kind.noun} in {seconds:,} s; "
        f"{left:,} are left and this request needs {charge.amount:,}. {_advice(charge, wait)} "
        f"The operator of this service sets the limit with {charge.kind.setting}."
    )
    return TooManyRequests(detail, code=code, retry_after=wait)


def _advice(charge: Charge, wait: int) -> str:
    if charge.amount > charge.allowance.limit:
        return "Split the request into smaller ones."
    log_in = "" if current_user().id or not charge.is_reported else " or log in,"
    return f"Wait {wait:,} s{',' if log_in else ''}{log_in} and send the request again."
