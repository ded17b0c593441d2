"""Identifiers: UUIDv7 (RFC 9562), sortable by creation time and impossible to guess."""

import secrets
import time
from datetime import datetime, timedelta
from uuid import UUID

FIRST_ID, LAST_ID = UUID(int=0), UUID(int=2**128 - 1)  # before and after every id there is


def new_id() -> UUID:
    """A UUIDv7: 48 bits of Unix milliseconds, version, variant and 74 random bits.

    All free bits are random. The counters that RFC 9562 section 6.2 allows, and that libraries use
    to keep ids of one millisecond in order, would let whoever holds one id guess its neighbours;
    here an id is a capability.
    """
    milliseconds = time.time_ns() // 1_000_000
    noise = secrets.randbits(74)
    high, low = noise >> 62, noise & ((1 << 62) - 1)
    return UUID(int=milliseconds << 80 | 0x7 << 76 | high << 64 | 0b10 << 62 | low)


def least_id(moment: datetime) -> UUID:
    """The least id that is made at that time: it begins with the milliseconds (RFC 9562)."""
    return UUID(int=int(moment.timestamp() * 1000) << 80)


def id_before(id: UUID, age: timedelta) -> UUID:
    """The least id that is made that long before `id` was; what is yet to be made counts as now."""
    made = min(id.int >> 80, time.time_ns() // 1_000_000)
    return UUID(int=max(0, made - age // timedelta(milliseconds=1)) << 80)


def parse_id(text: str) -> UUID | None:
    """The id that `text` spells in its usual 36 characters, or None: `{…}` is not an id."""
    try:
        found = UUID(text)
    except ValueError:
        return None
    return found if str(found) == text.lower() else None
