"""Hash and compare passwords with Argon2id.

The number of concurrent hashes is limited, so that a flood of log-ins cannot take all of the
machine's memory and threads.
"""

import base64
import os
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.low_level import Type

from common.errors import Unavailable
from common.unicode import nfc

SHORTEST, LONGEST = 8, 128  # characters
MEMORY_KIB, PASSES, LANES = 19 * 1024, 2, 1  # OWASP's second recommendation: 19 MiB a hash
SALT_BYTES, HASH_BYTES = 16, 32
MAX_WAITING = 8  # requests that may wait for a running hash to end
RESERVED_FOR_LOG_INS = 4  # of these, so that sign-ups cannot keep log-ins from waiting
MAX_WAIT = 2.0  # seconds


class Passwords:
    """Hashes and compares passwords, at most `concurrency` at a time (default: one per core)."""

    def __init__(self, concurrency: int = 0):
        concurrency = concurrency or os.cpu_count() or 1
        self._argon = PasswordHasher(
            PASSES, MEMORY_KIB, LANES, HASH_BYTES, SALT_BYTES, type=Type.ID
        )
        self._running = threading.BoundedSemaphore(concurrency)
        self._places = threading.BoundedSemaphore(concurrency + MAX_WAITING)
        self._hash_places = threading.BoundedSemaphore(
            concurrency + MAX_WAITING - RESERVED_FOR_LOG_INS
        )
        self._unmatched = _unmatched_hash()

    def hash(self, password: str) -> str:
        """Return the PHC string to store. Raises Unavailable `busy` while too many wait."""
        with _occupy(self._hash_places), self._run():
            return self._argon.hash(_normalized(password))

    def matches(self, password_hash: str | None, password: str) -> bool:
        """Return whether the password is the one that was hashed.

        Pass None as `password_hash` for an unknown account: the comparison takes the same time.
        Raises Unavailable `busy` while too many requests wait.
        """
        stored = password_hash or self._unmatched
        given = password[: LONGEST + 1]  # stored passwords are shorter: no longer one can match
        # Old hashes are of the password as it was sent, before passwords were normalized to NFC.
        forms = dict.fromkeys([_normalized(given), given])
        with self._run():
            return any(self._is_hash_of(stored, form) for form in forms)

    def _is_hash_of(self, password_hash: str, password: str) -> bool:
        try:
            return self._argon.verify(password_hash, password)
        except (VerificationError, InvalidHashError):
            return False

    def is_outdated(self, password_hash: str) -> bool:
        """Return whether the hash was made with other Argon2 parameters than the current ones."""
        return self._argon.check_needs_rehash(password_hash)

    @contextmanager
    def _run(self) -> Iterator[None]:
        with _occupy(self._places):
            if not self._running.acquire(timeout=MAX_WAIT):
                raise _busy()
            try:
                yield
            finally:
                self._running.release()


def _normalized(password: str) -> str:
    """Return the password in NFC, since systems differ in whether their keyboards send the same
    letter composed or decomposed (RFC 8265, section 4.2).
    """
    return nfc(password, LONGEST + 1)


@contextmanager
def _occupy(places: threading.BoundedSemaphore) -> Iterator[None]:
    """Hold a place within the block; raises Unavailable `busy` if none is free now."""
    if not places.acquire(blocking=False):
        raise _busy()
    try:
        yield
    finally:
        places.release()


def _unmatched_hash() -> str:
    """Return a random hash that no password matches, to compare with for unknown accounts."""
    salt, digest = (
        base64.b64encode(secrets.token_bytes(size)).decode().rstrip("=")
        for size in (SALT_BYTES, HASH_BYTES)
    )
    return f"$argon2id$v=19$m={MEMORY_KIB},t={PASSES},p={LANES}${salt}${digest}"


def _busy() -> Unavailable:
    return Unavailable(
        "Too many passwords are being checked at this moment. Send the request again in 2 seconds.",
        code="busy",
        retry_after=2,
    )
