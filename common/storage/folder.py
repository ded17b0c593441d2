"""Objects as files below a folder, for `file:///absolute/folder`.

A file is written beside its final name as `name#1` and then renamed, so that a crash leaves the old
object or the new one, never a part. Files are not synced to the disk: after a power failure the
objects of the last seconds (about 30 on ext4) may be missing or empty although their rows are
stored. Readers compare the SHA-256 and therefore notice, and uploading the same bytes again repairs
it. The folder should be on a local disk, because there is no timeout for a network disk that hangs.
"""

import contextlib
import os
import time
from collections.abc import Iterator, Mapping
from itertools import count
from pathlib import Path
from urllib.parse import unquote, urlsplit

from obstore.store import LocalStore

from common.errors import SettingsError
from common.storage import StorageUnavailable, StoredObject
from common.storage.adapter import PROBE, ObstoreStorage, check_key, probe, unavailable

ABANDONED_AFTER = 3600.0
"""Seconds without a write after which a partial file belongs to a crash, not to another thread."""


class FolderStorage(ObstoreStorage):
    """`Storage` in a folder, which is created if missing; raises OSError if that fails."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder.resolve()
        super().__init__(LocalStore(prefix=self._folder))

    def put(self, key: str, data: bytes) -> None:
        """Store the file as obstore would, but in this thread: obstore passes every write to
        threads of its own, which costs a fifth of the write.
        """
        check_key(key)
        path = self._folder / key
        try:
            if not path.parent.is_dir():
                self._must_exist()  # a missing folder may be a missing disk: do not create it
                path.parent.mkdir(parents=True, exist_ok=True)
            _replace(path, data)
        except OSError as error:
            raise unavailable(f"did not take {key}", error) from None

    def get(self, key: str) -> bytes:
        """Read the file in this thread: through obstore, reading takes five times the CPU time."""
        check_key(key)
        try:
            return (self._folder / key).read_bytes()
        except OSError as error:
            raise self._not_given(key, error) from None

    def delete(self, key: str) -> None:
        """Remove the file, and partial copies of it that crashed writes left beside it."""
        super().delete(key)
        try:
            self._delete_abandoned(key)
        except OSError as error:
            raise unavailable(f"did not delete all of {key}", error) from None

    def list(self, prefix: str) -> Iterator[StoredObject]:
        """List the files below `prefix`, without partial ones."""
        self._must_exist()
        yield from super().list(prefix)

    def ensure(self) -> None:
        """Create the folder, and write and delete a test file."""
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise unavailable("has no folder", error) from None
        self.put(PROBE, probe())
        self.delete(PROBE)

    def _must_exist(self) -> None:
        if not self._folder.is_dir():
            raise StorageUnavailable("The object store's folder is missing.")

    def _still_there(self, error: FileNotFoundError) -> bool:
        return self._folder.is_dir()

    def _delete_abandoned(self, key: str) -> None:
        """Delete partial copies, because deleted bytes must not stay in files that no listing
        shows.
        """
        for attempt in count(1):
            staged = self._folder / f"{key}#{attempt}"
            try:
                age = time.time() - staged.stat().st_mtime
            except FileNotFoundError:
                return
            if age > ABANDONED_AFTER:
                staged.unlink(missing_ok=True)


def _replace(path: Path, data: bytes) -> None:
    """Write `data` beside `path` and rename it; a crash leaves at most a file `name#1`."""
    staged, descriptor = _create_beside(path)
    try:
        try:
            left = memoryview(data)
            while left:
                left = left[os.write(descriptor, left) :]
        finally:
            os.close(descriptor)
        staged.rename(path)
    except OSError:
        with contextlib.suppress(OSError):
            staged.unlink()
        raise


def _create_beside(path: Path) -> tuple[Path, int]:
    """Create the file `name#1`, or with the next number if another thread writes to that."""
    for attempt in count(1):
        staged = path.with_name(f"{path.name}#{attempt}")
        with contextlib.suppress(FileExistsError):
            return staged, os.open(staged, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
    raise AssertionError("unreachable: count() never ends")


def open_folder(url: str, environ: Mapping[str, str]) -> FolderStorage:
    """Return the storage of a `file:///` URL (percent-encoded). Raises SettingsError."""
    folder = _folder_of(url)
    try:
        return FolderStorage(folder)
    except OSError as error:
        raise SettingsError(
            f"STORAGE_URL: cannot create the folder {folder}: {error.strerror}"
        ) from error


def _folder_of(url: str) -> Path:
    parts = urlsplit(url)
    folder = Path(unquote(parts.path))
    named = folder.is_absolute() and folder != Path("/") and "\0" not in str(folder)
    if parts.netloc or not named or {".", ".."} & set(unquote(parts.path).split("/")):
        raise SettingsError(
            "STORAGE_URL: the folder must be absolute, as in file:///srv/objects (three slashes)"
        )
    if parts.query or parts.fragment:
        raise SettingsError("STORAGE_URL: write ? and # in a folder's name as %3F and %23")
    return folder
