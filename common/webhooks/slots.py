"""The slots of one engine for delivery attempts, shared among receivers and owners."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy import ColumnElement, not_, or_

from common.tables import WebhookDelivery as D

Owner = UUID | None  # an account; None: all anonymous callers together


@dataclass(frozen=True, slots=True, kw_only=True)
class Slots:
    """How many concurrent attempts one host, one account and the anonymous callers may have, and
    how many they have. Callers can choose host names freely, so limits per host alone would not
    limit a caller.
    """

    per_host: int
    per_account: int
    anonymous: int
    hosts: Mapping[str, int] = field(default_factory=dict)
    owners: Mapping[Owner, int] = field(default_factory=dict)

    def limit(self, owner: Owner) -> int:
        """Return how many concurrent attempts the owner may have."""
        return self.anonymous if owner is None else self.per_account

    def conditions(self) -> list[ColumnElement[bool]]:
        """Return conditions on `webhook_deliveries` for a host and an owner with a free slot."""
        hosts = [host for host, count in self.hosts.items() if count >= self.per_host]
        owners = [owner for owner, count in self.owners.items() if count >= self.limit(owner)]
        return [*(not_(_is_to(host)) for host in hosts), *_not_of(owners)]

    def copy(self) -> tuple[Counter[str], Counter[Owner]]:
        """Return copies of the attempts in progress by host and by owner, for further counting."""
        return Counter(self.hosts), Counter(self.owners)


def _is_to(host: str) -> ColumnElement[bool]:
    starts = [f"{scheme}://{host}{end}" for scheme in ("http", "https") for end in "/:"]
    return or_(*(D.url.startswith(start, autoescape=True) for start in starts))


def _not_of(owners: list[Owner]) -> Iterator[ColumnElement[bool]]:
    if accounts := [owner for owner in owners if owner is not None]:
        yield or_(D.owner_id.is_(None), D.owner_id.not_in(accounts))
    if None in owners:
        yield D.owner_id.isnot(None)
