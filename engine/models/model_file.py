"""One file of a model: its name, how its bytes are verified, and where it comes from."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

CHUNK = 1 << 18  # bytes
_SHA256, _GIT_BLOB = re.compile(r"[0-9a-f]{64}"), re.compile(r"[0-9a-f]{40}")


@dataclass(frozen=True, slots=True)
class File:
    """One file of a model; its name may contain folders.

    It is verified by its size and sha256, or by the id that git gives to its content, which is
    known for files of repositories that were never downloaded.
    """

    name: str
    size: int = -1  # bytes; -1: not known, which needs a git_blob
    sha256: str = ""
    git_blob: str = ""  # sha1 of `blob <size>\\0` and the bytes
    role: str = ""  # for what a task reads it, such as `tokenizer`; `notice`: it is only installed
    address: str = ""  # http(s) address of the file, if it is not in the folder of the source
    licence: str = ""  # if it differs from the model's

    def is_at(self, path: Path) -> bool:
        """Return whether `path` holds exactly these bytes, which are read (about 1 ms per MB).

        Raises OSError if it cannot be read.
        """
        with path.open("rb") as source:
            if self.sha256:
                return hashlib.file_digest(source, "sha256").hexdigest() == self.sha256
            size = path.stat().st_size
            digest = hashlib.sha1(b"blob %d\0" % size, usedforsecurity=False)
            while piece := source.read(CHUNK):
                digest.update(piece)
            return digest.hexdigest() == self.git_blob


def parse_file(data: Mapping[str, Any]) -> File:
    """Return the file in a JSON object; raises TypeError or ValueError if it is invalid."""
    file = File(**data)
    path = PurePosixPath(file.name)
    if path.is_absolute() or ".." in path.parts or not path.name:
        raise ValueError(f"{file.name!r} is not a relative path within the model's folder")
    by_sha256 = file.size >= 0 and _SHA256.fullmatch(file.sha256)
    if not (by_sha256 or (not file.sha256 and _GIT_BLOB.fullmatch(file.git_blob))):
        raise ValueError(f"{file.name!r} needs a size and a sha256, or a git_blob")
    return file
