"""The port's methods over any obstore store, with obstore's failures turned into ours."""

import os
import re
from abc import ABC, abstractmethod
from collections.abc import Iterator

import obstore
from obstore.exceptions import BaseError
from obstore.store import LocalStore, S3Store

from common.errors import AfterimageError
from common.storage import ObjectMissing, StorageUnavailable, StoredObject

FAULTS = (BaseError, OSError, NotImplementedError)
"""All that obstore raises once a store is built and a key is lawful; a 404 is an OSError."""

PROBE = ".probe"
"""The key that `ensure` writes and deletes again."""

PROBE_BYTES = 256 * 1024
"""The size of a small photograph, because a full disk or quota may still accept an empty file."""

_INVALID_KEY = re.compile(r"(^|/)\.{0,2}(/|$)|[\x00-\x1f\x7f]|#\d+$")


class ObstoreStorage(ABC):
    """`Storage` over one obstore store; a subclass detects whether the store itself is missing."""

    def __init__(self, store: LocalStore | S3Store) -> None:
        self._store = store

    def put(self, key: str, data: bytes) -> None:
        """Store in one request: a crash would leave parts of a multipart upload behind
        unnoticed.
        """
        check_key(key)
        try:
            obstore.put(self._store, key, data, use_multipart=False)
        except FAULTS as error:
            raise unavailable(f"did not take {key}", error) from None

    def get(self, key: str) -> bytes:
        """Read the whole object; raises StorageUnavailable if the body ends early."""
        check_key(key)
        try:
            return obstore.get(self._store, key).bytes().to_bytes()
        except FAULTS as error:
            raise self._not_given(key, error) from None

    def delete(self, key: str) -> None:
        """Remove the object; does nothing if it does not exist."""
        check_key(key)
        try:
            obstore.delete(self._store, key)
        except FAULTS as error:
            if not self._is_missing(error):
                raise unavailable(f"did not delete {key}", error) from None

    def list(self, prefix: str) -> Iterator[StoredObject]:
        """List in pages of 1,000; each is requested when the previous one is used up."""
        if prefix:
            check_key(prefix.removesuffix("/"))
        try:
            for page in obstore.list(self._store, prefix or None, chunk_size=1000):
                for meta in page:
                    yield StoredObject(meta["path"], meta["size"], meta["last_modified"])
        except FAULTS as error:
            raise unavailable(f"did not list {prefix or 'its objects'}", error) from None

    def _not_given(self, key: str, error: Exception) -> AfterimageError:
        """Return the error for an object that could not be read."""
        if self._is_missing(error):
            return ObjectMissing(f"The object store has no {key}.")
        return unavailable(f"did not give {key}", error)

    def _is_missing(self, error: Exception) -> bool:
        """Return whether only the object is missing, not the store as a whole."""
        return isinstance(error, FileNotFoundError) and self._still_there(error)

    @abstractmethod
    def _still_there(self, error: FileNotFoundError) -> bool:
        """Return whether the folder or bucket itself exists."""


def probe() -> bytes:
    """Return bytes that no file system compresses or stores as a hole."""
    return os.urandom(PROBE_BYTES)


def check_key(key: str) -> None:
    """Raise ValueError for an invalid key, which obstore would silently convert to another one."""
    if _INVALID_KEY.search(key):
        raise ValueError(f"not an object key: {key!r}")


def unavailable(what: str, why: object) -> StorageUnavailable:
    """Return a StorageUnavailable: `what` the store did not do, and `why` (an exception
    or text).
    """
    reason = _reason(why) if isinstance(why, Exception) else why
    return StorageUnavailable(f"The object store {what}: {reason}.")


def answer(status: int | str, body: str) -> str:
    """Return the text for an HTTP refusal: its status and S3's own code, but no other part of its
    body.
    """
    code = re.search(r"<Code>(\w+)</Code>", body)
    return f"it answered {status} {code[1] if code else ''}".rstrip()


def _reason(error: Exception) -> str:
    """Return the cause, limited to parts of obstore's message that are known to be harmless.

    The message itself contains addresses and whole responses of the server, which quote access keys
    and signatures, so it is never passed on; therefore our error is always raised `from None`.
    """
    text = str(error)
    if status := re.search(r"status code: (\d{3})", text):
        return answer(status[1], text)
    if isinstance(error, TimeoutError) or "TimedOut" in text:
        return "no answer in time"
    if system := re.search(r'\b(?:message|error): "([^"\\]+)"', text):
        return system[1]
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    kinds = ", ".join(dict.fromkeys(re.findall(r"\bkind: (\w+)", text)))
    return f"the connection failed ({kinds})" if "HttpError" in text else type(error).__name__
