"""Quotas: how many images, bytes and predictions a caller may create.

Predictions are counted in units, the cost of each task (`Contract.units`). Units of refused
requests, and of predictions that get a cached result, are taken back. UPLOAD_QUOTA and BYTES_QUOTA
apply alike to accounts and to networks of anonymous callers; PREDICTION_QUOTA has a default for
anonymous callers.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from api.limits.charges import Charge, Kind, charge_caller, charge_network, give_back, take
from api.state import current_user, services
from common.settings.parsers import Allowance
from common.tasks import contract

UPLOADS = Kind(name="uploads", noun="new images", setting="UPLOAD_QUOTA")
BYTES = Kind(name="bytes", noun="bytes of new images", setting="BYTES_QUOTA", unit="content-bytes")
WORK = Kind(
    name="predictions", noun="units of work", setting="PREDICTION_QUOTA", unit="prediction-units"
)
EXCEEDED = "quota_exceeded"


@dataclass(slots=True)
class UploadCharge:
    """An upload that was counted. It is taken back unless `counts` is set."""

    counts: bool = False


@dataclass(slots=True)
class WorkCharge:
    """Units that were counted. All but the `spent` ones are taken back."""

    spent: int = 0


@contextmanager
def upload(size: int) -> Iterator[UploadCharge]:
    """Count an upload of `size` bytes; raises TooManyRequests `quota_exceeded`."""
    settings = services().settings
    quotas = ((UPLOADS, settings.upload_quota, 1), (BYTES, settings.bytes_quota, size))
    charges = [
        charge
        for kind, quota, amount in quotas
        if quota
        for charge in _charges(kind, quota, amount)
    ]
    take(charges, EXCEEDED)
    upload = UploadCharge()
    try:
        yield upload
    finally:
        if not upload.counts:
            give_back(charges)


@contextmanager
def work(units: int) -> Iterator[WorkCharge]:
    """Count `units` of work; raises TooManyRequests `quota_exceeded`."""
    charges = _of_work(units)
    take(charges, EXCEEDED)
    work = WorkCharge()
    try:
        yield work
    finally:
        if unused := units - work.spent:
            give_back([replace(charge, amount=unused) for charge in charges])


def charge(units: int) -> None:
    """Count `units` of work that are never taken back, even if the request fails later.

    Raises TooManyRequests `quota_exceeded`.
    """
    take(_of_work(units), EXCEEDED)


def units_of(tasks: Iterable[str], pixels: int = 0) -> int:
    """Return what these tasks cost together in units, each on an image of `pixels` pixels."""
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
    """Return the charges to the network and then to the account; for an anonymous caller one."""
    own = charge_caller(kind, quota, amount)
    return [charge_network(kind, quota, amount), own] if current_user().id else [own]
