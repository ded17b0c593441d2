"""What a process looks at when it starts: who may read its files, where they are, and settings
that it ignores.
"""

import os
import stat
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path

import structlog
from sqlalchemy.engine import make_url

from common.errors import SettingsError
from common.file_systems import MOUNTS, file_system_of, is_network
from common.settings import Settings
from common.settings.sources import given, is_service_link

log = structlog.get_logger(__name__)
DATABASE = ("afterimage.db", "afterimage.db-wal", "afterimage.db-shm")
OURS = (*DATABASE, "jwt-secret", "lock", "objects", "index")
OTHERS = stat.S_IRWXG | stat.S_IRWXO


def be_private() -> None:
    """Files that this process makes from now on are its user's alone."""
    os.umask(OTHERS)


def make_private(data_dir: Path) -> None:
    """Create the folder for its user alone, and take what others may do from our files in it.

    The folder's own mode is not changed when it exists: it may hold other things too. Raises
    SettingsError when there can be no such folder.
    """
    try:
        data_dir.mkdir(parents=True, exist_ok=True, mode=stat.S_IRWXU)
    except OSError as error:
        why = "it is not a folder" if data_dir.exists() else error.strerror
        raise SettingsError(f"DATA_DIR={data_dir} cannot be used: {why}.") from error
    for name in OURS:
        try:
            mode = (data_dir / name).stat(follow_symlinks=False).st_mode
            if mode & OTHERS and not stat.S_ISLNK(mode):
                (data_dir / name).chmod(stat.S_IMODE(mode) & ~OTHERS)
                log.warning("others could read this; now they cannot", path=str(data_dir / name))
        except FileNotFoundError:
            continue
        except OSError as error:
            log.warning("others may read this", path=str(data_dir / name), error=error.strerror)


def warn(settings: Settings, environ: Mapping[str, str], mounts: Path = MOUNTS) -> None:
    """Log what is likely to go wrong with these settings on this machine."""
    known = {each.metadata["variable"] for each in fields(Settings)} | {"PORT"}
    for name in known & environ.keys():
        if is_service_link(name, environ[name]):
            log.warning("ignored: Kubernetes sets this for a service of that name", variable=name)
    for each in fields(Settings):
        name, default = each.metadata["variable"], each.metadata["default"]
        if default and environ.get(f"{name}_FILE") and not given(environ, name):
            log.warning("the setting's file is empty; its default is used", variable=f"{name}_FILE")
    url = make_url(settings.database_url)
    if url.get_backend_name() != "sqlite" or not url.database:
        return
    folder = Path(url.database).resolve().parent
    if is_network(kind := file_system_of(folder, mounts)):
        log.warning(
            "SQLite is on a network file system, where its locks and write-ahead log are not safe: "
            "put DATA_DIR on a local disk, or use a database server (DATABASE_URL)",
            folder=str(folder),
            file_system=kind,
        )
