"""The object store port: whole objects under keys, put, read, deleted and listed.

An adapter is picked by the scheme of STORAGE_URL: `folder.py` for a folder, `s3.py` for any S3
server; both stand on obstore (`adapter.py`) and pass the same contract tests.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from common import adapter_schemes
from common.errors import AfterimageError, Unavailable

ADAPTERS = {
    "file": "common.storage.folder:open_folder",
    "s3": "common.storage.s3:open_s3",
}


class StorageUnavailable(Unavailable):
    """The store cannot be reached, refuses us, is full, or its folder or bucket is gone."""

    default_code = "storage_unavailable"


class ObjectMissing(AfterimageError):
    """The store works, but has nothing under this key.

    Not a NotFound: that would blame the caller's input, and a row whose bytes are gone is our
    fault, which is tried again.
    """

    default_code = "object_missing"


@dataclass(frozen=True, slots=True)
class StoredObject:
    """An entry of a listing; `size` in bytes, `modified_at` in UTC by the store's clock."""

    key: str
    size: int
    modified_at: datetime


class Storage(Protocol):
    """Whole objects under keys. Every method may be called from any thread at any time.

    A key is names joined by `/`: no empty name, no `.` or `..`, no control characters, and no
    `#` and digits at the end; anything else is a ValueError. A key is never also the folder of
    another key. Every method raises StorageUnavailable when the store cannot do its part; nothing
    is retried here, because retries have one owner.
    """

    def put(self, key: str, data: bytes) -> None:
        """Store `data` under `key`, over what was there; readers see all of it or none."""

    def get(self, key: str) -> bytes:
        """The whole object; raises ObjectMissing when there is none."""

    def delete(self, key: str) -> None:
        """Remove the object; there being none is fine."""

    def list(self, prefix: str) -> Iterator[StoredObject]:
        """Every object below the folder `prefix` (whole names; "" is everything), in any order."""

    def ensure(self) -> None:
        """See that objects can be written and deleted, creating folder or bucket when missing."""


def object_key(sha256: bytes) -> str:
    """Where the bytes with this digest (32 bytes) lie: `objects/ab/cdef…`, in 256 folders."""
    if len(sha256) != 32:
        raise ValueError(f"a SHA-256 digest has 32 bytes, not {len(sha256)}")
    digest = sha256.hex()
    return f"objects/{digest[:2]}/{digest[2:]}"


def digest_of(key: str) -> bytes | None:
    """The digest whose bytes lie under `key`; None for a key that `object_key` does not make."""
    found = re.fullmatch(r"objects/([0-9a-f]{2})/([0-9a-f]{62})", key)
    return bytes.fromhex(found[1] + found[2]) if found else None


def open_storage(url: str, environ: Mapping[str, str] | None = None) -> Storage:
    """The adapter for STORAGE_URL, contacting no server. Raises SettingsError for an unusable URL.

    `environ` is where S3 keys and the region are looked for when the URL has none (`AWS_…`).
    Open and use it only after the last fork: obstore's threads do not survive one, and a child
    of a process that used them hangs. There is nothing to close.
    """
    storage: Storage = adapter_schemes.open_by_scheme(
        url, ADAPTERS, {} if environ is None else environ, setting="STORAGE_URL"
    )
    return storage
