"""Quotas: how many images, bytes and predictions a caller may ask for.

Predictions are counted in units, by what each task costs (`Contract.units`). What is answered from
a known result, or refused, is given back. UPLOAD_QUOTA and BYTES_QUOTA are of accounts and of the
networks of anonymous callers alike; PREDICTION_QUOTA is on for anonymous callers by default.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from api.limits.charges import Charge, Kind, charge_caller, charge_network, give_back, take
from api.state import current_user, services
from common.settings.parsers import Allowance
from common.tasks import contract

UPLOADS = Kind(name="uploads", what="new images", setting="UPLOAD_QUOTA")
BYTES = Kind(name="bytes", what="bytes of new images", setting="BYTES_QUOTA", unit="content-bytes")
WORK = Kind(
    name="predictions", what="units of work", setting="PREDICTION_QUOTA", unit="prediction-units"
)
EXCEEDED = "quota_exceeded"


@dataclass(slots=True)
class Upload:
    """An upload within its quota; one that does not count in the end is given back."""

    counts: bool = False


@dataclass(slots=True)
class Work:
    """Work within its quota; `spent` units count in the end, the rest is given back."""

    spent: int = 0


@contextmanager
def upload(size: int) -> Iterator[Upload]:
    """Count an upload of so many bytes; raises TooManyRequests `quota_exceeded`."""
    settings = services().settings
    quotas = ((UPLOADS, settings.upload_quota, 1), (BYTES, settings.bytes_quota, size))
    charges = [
        charge
        for kind, quota, amount in quotas
        if quota
        for charge in _charges(kind, quota, amount)
    ]
    take(charges, EXCEEDED)
    upload = Upload()
    try:
        yield upload
    finally:
        if not upload.counts:
            give_back(charges)


@contextmanager
def work(units: int) -> Iterator[Work]:
    """Count work of so many units; raises TooManyRequests `quota_exceeded`."""
    charges = _of_work(units)
    take(charges, EXCEEDED)
    work = Work()
    try:
        yield work
    finally:
        if unused := units - work.spent:
            give_back([replace(charge, amount=unused) for charge in charges])


def charge(units: int) -> None:
    """Count work that is not given back, whatever becomes of the request; raises TooManyRequests
    `quota_exceeded`.
    """
    take(_of_work(units), EXCEEDED)


def units_of(tasks: Iterable[str], pixels: int = 0) -> int:
    """What these tasks cost together, each on an image of so many pixels."""
    return sum(contract(task, internal=True).units(pixels) for task in tasks)


def _of_work(units: int) -> list[Charge]:
    quota = services().settings.prediction_quota
    if current_user().id:
        return _charges(WORK, quota.account, units) if quota.account and units else []
    if quota.anonymous is None or not units:
        return []
    [charge] = _charges(WORK, quota.anonymous, units)
    return [replace(charge, is_guard=quota.is_guard)]


def _charges(kind: Kind, quota: Allowance, amount: int) -> list[Charge]:
    """The network's charge first, then the account's; an anonymous caller is a network."""
    own = charge_caller(kind, quota, amount)
    return [charge_network(kind, quota, amount), own] if current_user().id else [own]
