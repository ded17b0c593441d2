"""Charges: what a request uses of its caller's allowances, and what the answer tells of them.

What is left is told as the IETF's draft "RateLimit header fields for HTTP"
(draft-ietf-httpapi-ratelimit-headers-10) has it.
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

# What a network may use in all is a multiple of what one account may: accounts are free.
NETWORK_MULTIPLE = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """What is counted: its name in headers, its unit there if it is not requests, in words, and the
    setting that limits it.
    """

    name: str
    what: str
    setting: str
    unit: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Charge:
    """An amount to be counted against an allowance of `owner`, whom `whose` names in words."""

    kind: Kind
    allowance: Allowance
    amount: int
    owner: str
    whose: str
    is_told: bool = True
    is_guard: bool = (
        False  # told only by half: it is so large that it does not concern most callers
    )

    @property
    def counter(self) -> bytes:
        """The counter's name."""
        return rate_counters.name_of("limit", self.kind.name, self.owner)


Told = tuple[Charge, Count]


def charge_caller(kind: Kind, allowance: Allowance, amount: int) -> Charge:
    """A charge to the account, or to the network of an anonymous caller."""
    id: UUID | None = current_user().id
    whose = "an account" if id else "the anonymous callers of a network"
    return Charge(kind=kind, allowance=allowance, amount=amount, owner=caller_key(), whose=whose)


def charge_network(kind: Kind, allowance: Allowance, amount: int) -> Charge:
    """A charge to all callers of the network together, who may use a multiple of the allowance."""
    whole = Allowance(allowance.most * NETWORK_MULTIPLE, allowance.seconds)
    return Charge(
        kind=kind, allowance=whole, amount=amount, owner=f"all of {caller_network()}",
        whose="all callers of a network together", is_told=False,
    )  # fmt: skip


def take(charges: Sequence[Charge], code: str) -> None:
    """Count all charges, or none and raise TooManyRequests with this code."""
    meter = app_state().meter
    taken: list[Charge] = []
    for charge in charges:
        count = meter.take(charge.counter, charge.allowance, charge.amount)
        if not count.allowed:
            give_back(taken)
            g.allowances = [(charge, count)]
            raise _refused(charge, count, code)
        taken.append(charge)
        if charge.is_told and (not charge.is_guard or 2 * count.so_far > charge.allowance.most):
            g.allowances = [*g.get("allowances", []), (charge, count)]


def give_back(charges: Sequence[Charge]) -> None:
    """Count as if these had not been taken."""
    for charge in charges:
        app_state().meter.give_back(charge.counter, charge.amount)


def tell(response: Response) -> Response:
    """Add the headers that say what is allowed and what is left."""
    allowances: list[Told] = g.get("allowances", [])
    if allowances:
        response.headers["RateLimit-Policy"] = ", ".join(
            _policy(charge) for charge, _ in allowances
        )
        response.headers["RateLimit"] = ", ".join(_left(*told) for told in allowances)
    return response


def _policy(charge: Charge) -> str:
    most, seconds = charge.allowance
    unit = f';qu="{charge.kind.unit}"' if charge.kind.unit else ""
    return f'"{charge.kind.name}";q={most};w={seconds}{unit}'


def _left(charge: Charge, count: Count) -> str:
    left = max(0, charge.allowance.most - count.so_far)
    return f'"{charge.kind.name}";r={left};t={max(0, round(count.ends_in + 0.5))}'


def _refused(charge: Charge, count: Count, code: str) -> TooManyRequests:
    most, seconds = charge.allowance
    wait = max(1, round(count.ends_in + 0.5))
    left = max(0, most - count.so_far)
    detail = (
        f"The limit for {charge.whose} is {most:,} {charge.kind.what} in {seconds:,} s; "
        f"{left:,} are left and this request needs {charge.amount:,}. {_advice(charge, wait)} "
        f"The operator of this service sets the limit with {charge.kind.setting}."
    )
    return TooManyRequests(detail, code=code, retry_after=wait)


def _advice(charge: Charge, wait: int) -> str:
    if charge.amount > charge.allowance.most:
        return "Ask for less in one request."
    sign_in = "" if current_user().id or not charge.is_told else " or sign in,"
    return f"Wait {wait:,} s{',' if sign_in else ''}{sign_in} and send the request again."
