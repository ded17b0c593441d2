"""The object store port: objects are stored, read, deleted and listed by key.

The scheme of STORAGE_URL selects an adapter: `folder.py` for a folder, `s3.py` for any S3 server.
Both use obstore (`adapter.py`), except to write files, and pass the same contract tests.
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


@dataclass(frozen=True, slots=True)
class StoredObject:
    """An entry of a listing; `size` in bytes, `modified_at` in UTC by the store's clock."""

    key: str
    size: int
    modified_at: datetime


class StorageUnavailable(Unavailable):
    """The store cannot be reached, denies access or is full, or its folder or bucket is missing."""

    default_code = "storage_unavailable"


class ObjectMissing(AfterimageError):
    """The store works, but has no object with this key.

    Not a NotFound, which would blame the caller's input: lost bytes are our fault, and the
    prediction is retried.
    """

    default_code = "object_missing"


class Storage(Protocol):
    """Objects by key. All methods are thread-safe.

    A key consists of names joined by `/`: no empty name, no `.` or `..`, no control characters, and
    no `#` with digits at the end; other keys raise ValueError. A key must not also be the folder of
    another key. Methods raise StorageUnavailable if the store fails; they do not retry, because the
    prediction is retried as a whole.
    """

    def put(self, key: str, data: bytes) -> None:
        """Store `data` under `key`, replacing an existing object; readers see all of it or none."""

    def get(self, key: str) -> bytes:
        """Return the whole object; raises ObjectMissing if it does not exist."""

    def delete(self, key: str) -> None:
        """Remove the object; does nothing if it does not exist."""

    def list(self, prefix: str) -> Iterator[StoredObject]:
        """Yield every object below the folder `prefix` (whole names; "" is everything), in any
        order.
        """

    def ensure(self) -> None:
        """Check that objects can be written and deleted; create the folder or bucket if it is
        missing.
        """


def object_key(sha256: bytes) -> str:
    """Return the key for bytes with this sha256 (32 bytes): `objects/ab/cdef…`, in 256 folders."""
    if len(sha256) != 32:
        raise ValueError(f"a SHA-256 digest has 32 bytes, not {len(sha256)}")
    digest = sha256.hex()
    return f"objects/{digest[:2]}/{digest[2:]}"


def digest_of(key: str) -> bytes | None:
    """Return the sha256 of the bytes under `key`; None for a key of another form."""
    match = re.fullmatch(r"objects/([0-9a-f]{2})/([0-9a-f]{62})", key)
    return bytes.fromhex(match[1] + match[2]) if match else None


def open_storage(url: str, environ: Mapping[str, str] | None = None) -> Storage:
    """Return the adapter for STORAGE_URL without connecting. Raises SettingsError for an invalid
    URL.

    `environ` provides S3 keys and the region if they are not in the URL (`AWS_…`). Open and use it
    only after the last fork: obstore's threads do not survive one, and a child of a process that
    used them hangs. It need not be closed.
    """
    storage: Storage = adapter_schemes.open_by_scheme(
        url, ADAPTERS, {} if environ is None else environ, setting="STORAGE_URL"
    )
    return storage
