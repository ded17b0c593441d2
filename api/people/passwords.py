"""Passwords: hashed by Argon2id, a few at a time, so that many log-ins at once cannot take all of
the machine's memory and threads."""

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

SHORTEST, LONGEST = 8, 128  # characters
MEMORY_KIB, PASSES, LANES = 19 * 1024, 2, 1  # OWASP's first choice but one: 19 MiB a hash
SALT_BYTES, HASH_BYTES = 16, 32
MOST_WAITING = 8  # requests that may wait for a turn, beside those that have one
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
        self._nobodys = _hash_of_nothing()

    def hash(self, password: str) -> str:
        """The PHC string to store. Raises Unavailable when too many are at it."""
        with self._turn():
            return self._argon.hash(password)

    def matches(self, password_hash: str | None, password: str) -> bool:
        """Whether the password is the one of the hash. None, an account that is not there, takes
        the same time. Raises Unavailable when too many are at it.
        """
        with self._turn():
            try:
                # A longer one matches nothing, however it goes on.
                return self._argon.verify(password_hash or self._nobodys, password[: LONGEST + 1])
            except (VerificationError, InvalidHashError):
                return False

    def is_outdated(self, password_hash: str) -> bool:
        """Whether the hash was made with other parameters than those of today."""
        return self._argon.check_needs_rehash(password_hash)

    @contextmanager
    def _turn(self) -> Iterator[None]:
        if not self._room.acquire(blocking=False):
            raise _busy()
        try:
            if not self._turns.acquire(timeout=WAIT):
                raise _busy()
            try:
                yield
            finally:
                self._turns.release()
        finally:
            self._room.release()


def _hash_of_nothing() -> str:
    """A hash that no password has, for the time that comparing takes."""
    salt, digest = (
        base64.b64encode(secrets.token_bytes(size)).decode().rstrip("=")
        for size in (SALT_BYTES, HASH_BYTES)
    )
    return f"$argon2id$v=19$m={MEMORY_KIB},t={PASSES},p={LANES}${salt}${digest}"


def _busy() -> Unavailable:
    return Unavailable("Too many are signing in at this moment.", code="busy", retry_after=2)
