"""Identifiers: UUIDv7 (RFC 9562), sortable by creation time and impossible to guess."""

import secrets
import time
from datetime import datetime, timedelta
from uuid import UUID

FIRST_ID, LAST_ID = UUID(int=0), UUID(int=2**128 - 1)  # sort before and after all other ids


def new_id() -> UUID:
    """Return a new UUIDv7: 48 bits of Unix milliseconds, version, variant and 74 random bits.

    All free bits are random. RFC 9562, section 6.2, also allows counters, which libraries use to
    sort the ids of one millisecond; with them, adjacent ids could be guessed from one id. Here an
    id is a capability: knowing it gives access.
    """
    milliseconds = time.time_ns() // 1_000_000
    noise = secrets.randbits(74)
    high, low = noise >> 62, noise & ((1 << 62) - 1)
    return UUID(int=milliseconds << 80 | 0x7 << 76 | high << 64 | 0b10 << 62 | low)


def smallest_id(moment: datetime) -> UUID:
    """Return a lower bound of the ids that are made at `moment` or later."""
    return UUID(int=int(moment.timestamp() * 1000) << 80)


def id_before(id: UUID, age: timedelta) -> UUID:
    """Return a lower bound of the ids that were made at most `age` before `id`. An id from the
    future counts as made now.
    """
    created = min(id.int >> 80, time.time_ns() // 1_000_000)
    return UUID(int=max(0, created - age // timedelta(milliseconds=1)) << 80)


def parse_id(text: str) -> UUID | None:
    """Return the id that `text` holds in the canonical form of 36 characters; None if it does not.
    Other forms, such as `{…}`, are rejected.
    """
    try:
        id = UUID(text)
    except ValueError:
        return None
    return id if str(id) == text.lower() else None
