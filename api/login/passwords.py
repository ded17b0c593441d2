"""Passwords: hashed by Argon2id, a few at a time, so that many log-ins at once cannot take all of
the machine's memory and threads.
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
MEMORY_KIB, PASSES, LANES = 19 * 1024, 2, 1  # OWASP's first choice but one: 19 MiB a hash
SALT_BYTES, HASH_BYTES = 16, 32
MOST_WAITING = 8  # requests that may wait for a turn, beside those that have one
FOR_LOG_INS = 4  # of these, places that only comparing may take: sign-ups never fill all
WAIT = 2.0  # seconds for a turn


class Passwords:
    """Hashes and compares passwords; at most `at_once` at the same time."""

    def __init__(self, at_once: int = 0):
        at_once = at_once or os.cpu_count() or 1
        self._argon = PasswordHasher(
            PASSES, MEMORY_KIB, LANES, HASH_BYTES, SALT_BYTES, type=Type.ID
        )
        self._turns = threading.BoundedSemaphore(at_once)
        self._room = threading.BoundedSemaphore(at_once + MOST_WAITING)
        self._room_to_hash = threading.BoundedSemaphore(at_once + MOST_WAITING - FOR_LOG_INS)
        self._unmatched = _unmatched_hash()

    def hash(self, password: str) -> str:
        """The PHC string to store. Raises Unavailable `busy` while too many others are hashed."""
        with _place_in(self._room_to_hash), self._turn():
            return self._argon.hash(_composed(password))

    def matches(self, password_hash: str | None, password: str) -> bool:
        """Whether the password is the one of the hash. None, for an account that does not exist,
        takes the same time. Raises Unavailable `busy` while too many others are compared.
        """
        known = password_hash or self._unmatched
        given = password[: LONGEST + 1]  # a longer one matches nothing, however it goes on
        # Hashes that were made before passwords were composed hold the password as it was sent.
        forms = dict.fromkeys([_composed(given), given])
        with self._turn():
            return any(self._is_hash_of(known, form) for form in forms)

    def _is_hash_of(self, password_hash: str, password: str) -> bool:
        try:
            return self._argon.verify(password_hash, password)
        except (VerificationError, InvalidHashError):
            return False

    def is_outdated(self, password_hash: str) -> bool:
        """Whether the hash was made with other parameters than those of today."""
        return self._argon.check_needs_rehash(password_hash)

    @contextmanager
    def _turn(self) -> Iterator[None]:
        with _place_in(self._room):
            if not self._turns.acquire(timeout=WAIT):
                raise _busy()
            try:
                yield
            finally:
                self._turns.release()


def _composed(password: str) -> str:
    """Return the password in NFC: keyboards of different systems send the same letters composed or
    decomposed (RFC 8265, section 4.2).
    """
    return nfc(password, LONGEST + 1)


@contextmanager
def _place_in(room: threading.BoundedSemaphore) -> Iterator[None]:
    """Take a place at once; raises Unavailable `busy` when all are taken."""
    if not room.acquire(blocking=False):
        raise _busy()
    try:
        yield
    finally:
        room.release()


def _unmatched_hash() -> str:
    """A hash that no password matches, so that an unknown account takes the same time."""
    salt, digest = (
        base64.b64encode(secrets.token_bytes(size)).decode().rstrip("=")
        for size in (SALT_BYTES, HASH_BYTES)
    )
    return f"$argon2id$v=19$m={MEMORY_KIB},t={PASSES},p={LANES}${salt}${digest}"


def _busy() -> Unavailable:
    return Unavailable("Too many are signing in at this moment.", code="busy", retry_after=2)
