"""Install a model: copy or download its files, verify them, resume interrupted downloads.

A folder is a model once it has a model.json, which is written last. Each file grows under another
name, `<name>.part`, until its sha256 is right. Any number of processes may pull at once: a lock in
the model's folder admits one, and the others then find the model installed.
"""

import fcntl
import hashlib
import os
import random
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from common.errors import ModelUnavailable
from engine.models.catalogue import File, Manifest
from engine.models.progress import Progress
from engine.models.sources import (
    CHUNK,
    Interrupted,
    Origin,
    Refused,
    Unreachable,
    open_origin,
    without_password,
)
from engine.models.verification import MANIFEST, is_installed, is_right

TRIES = 3
PAUSE = 1.0  # approximate seconds before the second try; twice as long before the third


class PullFailed(ModelUnavailable):
    """The model could not be installed; the message lists what was tried and what to set."""


def pull(manifest: Manifest, model_dir: Path, mirror: str, progress: Progress) -> Path:
    """Install the model and return its folder; does nothing if it is installed already.

    `mirror`, a folder or an http(s) address, is tried before the model's own source; it may be
    empty. Raises PullFailed.
    """
    folder = model_dir / manifest.folder
    if is_installed(manifest, folder):
        return folder
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with lock_folder(folder, progress):
            if not is_installed(manifest, folder):
                _install(manifest, folder, mirror, progress)
    except OSError as error:
        raise PullFailed(f"The model cannot be written to {folder}.") from error
    return folder


def _install(manifest: Manifest, folder: Path, mirror: str, progress: Progress) -> None:
    addresses = [address for address in (mirror, manifest.source.files) if address]
    for file in manifest.files:
        target = folder / file.name
        if not is_right(file, target):
            target.parent.mkdir(parents=True, exist_ok=True)
            _fetch_from_any(file, target, addresses, progress)
    part = folder / f"{MANIFEST}.part"
    part.write_text(manifest.dump())
    put_in_place(part, folder / MANIFEST)


def _fetch_from_any(file: File, target: Path, addresses: Sequence[str], progress: Progress) -> None:
    """Fetch one file from the first origin that provides it."""
    part = target.with_name(f"{target.name}.part")
    tried = []
    for address in addresses:
        try:
            with open_origin(address) as origin:
                fetch(file, part, origin, progress)
            return put_in_place(part, target)
        except Refused as error:
            tried.append(f"  {without_password(address)}: {error}")
    lines = [
        f"{file.name} ({file.size:,} bytes) could not be downloaded. Tried:",
        *tried,
        "Set MODEL_MIRROR to a folder or an http(s) address that holds this file.",
    ]
    raise PullFailed("\n".join(lines))


def fetch(file: File, part: Path, origin: Origin, progress: Progress) -> None:
    """Fill `part`; raises Refused if the origin does not have the file, Unreachable if it does not
    respond.
    """
    progress.begin(file.name, file.size, origin.address)
    reason = ""
    for attempt in range(TRIES):
        if attempt:
            time.sleep(PAUSE * 2 ** (attempt - 1) * random.uniform(0.5, 1))
        try:
            with part.open("a+b") as out:
                return _receive(file, out, origin, progress)
        except Interrupted as error:
            reason = str(error)
    raise Unreachable(f"{reason} ({TRIES} tries)")


def _receive(file: File, out: BinaryIO, origin: Origin, progress: Progress) -> None:
    """Append the missing bytes to `out`. Wrong bytes are deleted; that raises Refused if all of
    them came from this origin, and Interrupted if some were there before.
    """
    done, digest = _existing(file, out)
    mismatch: type[Exception] = Interrupted if done else Refused
    if done < file.size:
        with origin.open(file.name, done) as (offset, pieces):
            if offset != done:
                done, digest = 0, hashlib.sha256()
                out.truncate(0)
            for piece in pieces:
                done += out.write(piece)
                digest.update(piece)
                progress.at(done)
                if done > file.size:
                    break
    if done < file.size:
        raise Interrupted(f"stopped after {done:,} of {file.size:,} bytes")
    if done > file.size or digest.hexdigest() != file.sha256:
        out.truncate(0)
        raise mismatch("has a different file of this name: its sha256 is not the catalogue's")


def _existing(file: File, out: BinaryIO) -> tuple[int, "hashlib._Hash"]:
    """Return the size and the hash of what an earlier try left; a file larger than `file` is
    emptied.
    """
    if out.seek(0, os.SEEK_END) > file.size:
        out.truncate(0)
    out.seek(0)
    digest = hashlib.sha256()
    while piece := out.read(CHUNK):
        digest.update(piece)
    return out.tell(), digest


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
