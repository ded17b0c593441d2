"""Objects as files below a folder, for `file:///absolute/folder`.

A file is written beside its final name as `name#1` and renamed, so that a crash leaves the old
object or the new one, never a part. Nothing is synced to the disk: when the power fails, the
objects of the last seconds (about 30 on ext4) may be missing or empty although their rows are
safe. Readers compare the SHA-256, so this shows, and uploading the same bytes again heals it. The
folder belongs on a local disk: a network disk that hangs knows no time-out here.
"""

import time
from collections.abc import Iterator, Mapping
from itertools import count
from pathlib import Path
from urllib.parse import unquote, urlsplit

from obstore.store import LocalStore

from common.errors import SettingsError
from common.storage import StorageUnavailable, StoredObject
from common.storage.adapter import PROBE, ObstoreStorage, probe, unavailable

ABANDONED_AFTER = 3600.0
"""Seconds without a write after which a half-written file is a crash's, not another thread's."""


class FolderStorage(ObstoreStorage):
    """`Storage` in a folder, which is created when missing; OSError when it cannot be."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder.resolve()
        super().__init__(LocalStore(prefix=self._folder))

    def put(self, key: str, data: bytes) -> None:
        """Store the file, unless the folder is gone: obstore would make a new one unseen."""
        self._must_exist()
        super().put(key, data)

    def delete(self, key: str) -> None:
        """Remove the file, and the copies of it that crashes of earlier puts left beside it."""
        super().delete(key)
        try:
            self._delete_abandoned(key)
        except OSError as error:
            raise unavailable(f"did not delete all of {key}", error) from None

    def list(self, prefix: str) -> Iterator[StoredObject]:
        """List the files below `prefix`; half-written ones are no objects."""
        self._must_exist()
        yield from super().list(prefix)

    def ensure(self) -> None:
        """Create the folder, and write and delete a file of some size."""
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise unavailable("has no folder", error) from None
        self.put(PROBE, probe())
        self.delete(PROBE)

    def _must_exist(self) -> None:
        if not self._folder.is_dir():
            raise StorageUnavailable("The object store's folder is gone.")

    def _still_there(self, error: FileNotFoundError) -> bool:
        return self._folder.is_dir()

    def _delete_abandoned(self, key: str) -> None:
        """Deleted bytes must be gone, also those that no listing shows."""
        for attempt in count(1):
            staged = self._folder / f"{key}#{attempt}"
            try:
                age = time.time() - staged.stat().st_mtime
            except FileNotFoundError:
                return
            if age > ABANDONED_AFTER:
                staged.unlink(missing_ok=True)


def open_folder(url: str, environ: Mapping[str, str]) -> FolderStorage:
    """The folder of a `file:///` URL (percent-encoded). Raises SettingsError."""
    folder = _folder_of(url)
    try:
        return FolderStorage(folder)
    except OSError as error:
        raise SettingsError(f"STORAGE_URL: no folder at {folder}: {error.strerror}") from error


def _folder_of(url: str) -> Path:
    parts = urlsplit(url)
    folder = Path(unquote(parts.path))
    named = folder.is_absolute() and folder != Path("/") and "\0" not in str(folder)
    if parts.netloc or not named or {".", ".."} & set(unquote(parts.path).split("/")):
        raise SettingsError(
            "STORAGE_URL: a folder is given from the root, as file:///srv/objects (three slashes)"
        )
    if parts.query or parts.fragment:
        raise SettingsError("STORAGE_URL: write ? and # in a folder's name as %3F and %23")
    return folder
