"""Merging the counts of ended processes into one file per kind of metric."""

import fcntl
import os
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from prometheus_client.mmap_dict import MmapedDict

from common.observability.metrics.files import AllocatedDict, locked

DEAD = "0"  # in the file's name, in place of a process id
PATIENCE = 0.5  # seconds; without the lock, files are merged when the next process ends


def merge(folder: Path) -> None:
    """Sum the counters and histograms of dead processes in one file, and remove theirs.

    Scrapes wait meanwhile. Raises OSError, with all files unchanged, if the disk is full.
    """
    with locked(folder, fcntl.LOCK_EX, PATIENCE) as is_mine:
        if not is_mine:
            return
        dead = [path for path in folder.glob("*.db") if not _is_running(path)]
        for kind in ("counter", "histogram"):
            if files := [path for path in dead if path.name.startswith(f"{kind}_")]:
                _merge(folder, kind, files)
        for path in dead:
            path.unlink(missing_ok=True)


def _is_running(path: Path) -> bool:
    """Whether the process that owns the file is running; True for the file of the sums."""
    process = path.stem.rpartition("_")[2]
    if process == DEAD:
        return True
    try:
        os.kill(int(process), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _merge(folder: Path, kind: str, files: Sequence[Path]) -> None:
    target, draft = folder / f"{kind}_{DEAD}.db", folder / f"{kind}.new"
    sums: defaultdict[str, float] = defaultdict(float)
    for path in [*files, *([target] if target.exists() else [])]:
        for key, value, *_ in MmapedDict.read_all_values_from_file(str(path)):
            sums[key] += value
    draft.unlink(missing_ok=True)
    try:
        written = AllocatedDict(str(draft))
        for key, value in sums.items():
            written.write_value(key, value, 0.0)  # type: ignore[no-untyped-call]
        written.close()  # type: ignore[no-untyped-call]
    except OSError:
        draft.unlink(missing_ok=True)
        raise
    draft.rename(target)
    for path in files:
        path.unlink()
