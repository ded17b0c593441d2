"""Install a model: copy or download its files, verify them, resume interrupted downloads.

A folder is a model once it has a model.json, which is written last. Each file grows under another
name, `<name>.part`, until its sha256 is right. Any number of processes may pull at once: a lock in
the model's folder admits one, and the others then find the model installed.
"""

import fcntl
import os
import random
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO
from urllib.parse import unquote

from common.errors import ModelUnavailable
from engine.models.catalogue import File, Manifest
from engine.models.progress import Progress
from engine.models.sources import (
    Interrupted,
    Origin,
    Refused,
    Unreachable,
    open_origin,
    without_password,
)
from engine.models.verification import MANIFEST, is_installed, is_right

TRIES = 3
LARGEST = 1 << 32  # bytes of a file without a known size, after which its download ends
PAUSE = 1.0  # approximate seconds before the second try; twice as long before the third


class PullFailed(ModelUnavailable):
    """The model could not be installed; the message lists what was tried and what to set."""


def pull(
    manifest: Manifest, model_dir: Path, mirror: str, progress: Progress, tries: int = TRIES
) -> Path:
    """Install the model and return its folder; does nothing if it is installed already.

    `mirror`, a folder or an http(s) address, is tried before the model's own source; it may be
    empty. An origin that stops responding is tried `tries` times. Raises PullFailed.
    """
    folder = model_dir / manifest.folder
    if is_installed(manifest, folder):
        return folder
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with lock_folder(folder, progress):
            if not is_installed(manifest, folder):
                _install(manifest, folder, mirror, progress, tries)
    except OSError as error:
        raise PullFailed(f"The model cannot be written to {folder}.") from error
    return folder


def _install(manifest: Manifest, folder: Path, mirror: str, progress: Progress, tries: int) -> None:
    for file in manifest.files:
        target = folder / file.name
        if not is_right(file, target):
            target.parent.mkdir(parents=True, exist_ok=True)
            places = _places(file, mirror, manifest.source.files)
            _fetch_from_any(file, target, places, progress, tries)
    part = folder / f"{MANIFEST}.part"
    part.write_text(manifest.dump())
    put_in_place(part, folder / MANIFEST)


def _places(file: File, mirror: str, source: str) -> list[tuple[str, str]]:
    """Return the address of each folder that may have the file, and the file's name in it."""
    places = [(mirror, file.name)]
    if file.address:
        folder, _, name = file.address.rpartition("/")
        places.append((folder, unquote(name)))
    else:
        places.append((source, file.name))
    return [(folder, name) for folder, name in places if folder]


def _fetch_from_any(
    file: File, target: Path, places: Sequence[tuple[str, str]], progress: Progress, tries: int
) -> None:
    """Fetch one file from the first origin that provides it."""
    part = target.with_name(f"{target.name}.part")
    tried = []
    for address, name in places:
        try:
            with open_origin(address) as origin:
                fetch(file, part, origin, progress, name, tries)
            return put_in_place(part, target)
        except Refused as error:
            tried.append(f"  {without_password(address)}: {error}")
    lines = [
        f"{file.name}{_size(file)} could not be downloaded. Tried:",
        *tried,
        "Set MODEL_MIRROR to a folder or an http(s) address that holds this file.",
    ]
    raise PullFailed("\n".join(lines))


def _size(file: File) -> str:
    return f" ({file.size:,} bytes)" if file.size >= 0 else ""


def fetch(
    file: File, part: Path, origin: Origin, progress: Progress, name: str = "", tries: int = TRIES
) -> None:
    """Fill `part` from the origin's file `name`, by default that of `file`; raises Refused if the
    origin does not have the file, Unreachable if it does not respond.
    """
    progress.begin(file.name, file.size, origin.address)
    reason = ""
    for attempt in range(tries):
        if attempt:
            time.sleep(PAUSE * 2 ** (attempt - 1) * random.uniform(0.5, 1))
        try:
            return _receive(file, part, origin, name or file.name, progress)
        except Interrupted as error:
            reason = str(error)
    raise Unreachable(f"{reason} ({tries} {'try' if tries == 1 else 'tries'})")


def _receive(file: File, part: Path, origin: Origin, name: str, progress: Progress) -> None:
    """Append the missing bytes to `part`. Wrong bytes are deleted; that raises Refused if all of
    them came from this origin, and Interrupted if some were there before.

    Without a known size the download starts from the beginning and ends where the origin does.
    """
    most = file.size if file.size >= 0 else LARGEST
    with part.open("a+b") as out:
        done = out.seek(0, os.SEEK_END)
        if done > most or file.size < 0:
            out.truncate(done := 0)
        mismatch: type[Exception] = Interrupted if done else Refused
        if done < most:
            with origin.open(name, done) as (offset, pieces):
                if offset != done:
                    out.truncate(done := 0)
                done = _append(pieces, out, done, most, progress)
        if done < file.size:
            raise Interrupted(f"stopped after {done:,} of {file.size:,} bytes")
    if done > most or not file.is_at(part):
        part.unlink()
        kind = "sha256" if file.sha256 else "git blob id"
        raise mismatch(f"has a different file of this name: its {kind} is not the catalogue's")


def _append(
    pieces: Iterable[bytes], out: BinaryIO, done: int, most: int, progress: Progress
) -> int:
    """Write the pieces and return the size of `out`; stops after more than `most` bytes."""
    for piece in pieces:
        done += out.write(piece)
        progress.at(done)
        if done > most:
            break
    return done


def put_in_place(part: Path, target: Path) -> None:
    """Rename, so that `target` is complete or missing, even after a power failure."""
    _sync(part)
    part.replace(target)
    _sync(target.parent)


def _sync(path: Path) -> None:
    number = os.open(path, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)


@contextmanager
def lock_folder(folder: Path, progress: Progress) -> Iterator[None]:
    """Let only this process write to `folder`; the system releases the lock when the
    process ends.
    """
    with (folder / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            progress.say(f"Another process is installing {folder}; waiting for it.")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield
