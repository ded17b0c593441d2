"""Checks when a process starts: permissions and file system of its folder, and ignored settings."""

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
from common.settings.sources import is_service_link, read_variable

log = structlog.get_logger(__name__)
DATABASE = ("afterimage.db", "afterimage.db-wal", "afterimage.db-shm")
PRIVATE_FILES = (*DATABASE, "jwt-secret", "lock", "objects", "index")
OTHERS = stat.S_IRWXG | stat.S_IRWXO


def restrict_new_files() -> None:
    """Set the umask so that other users cannot access files that this process creates."""
    os.umask(OTHERS)


def make_private(data_dir: Path) -> None:
    """Create the folder so that only its user can access it; in an existing folder, remove other
    users' permissions from this project's files.

    The mode of an existing folder is not changed, because it may hold other files too. Raises
    SettingsError if the folder cannot be created.
    """
    try:
        data_dir.mkdir(parents=True, exist_ok=True, mode=stat.S_IRWXU)
    except OSError as error:
        why = "it is not a folder" if data_dir.exists() else error.strerror
        raise SettingsError(f"DATA_DIR={data_dir} cannot be used: {why}.") from error
    for name in PRIVATE_FILES:
        try:
            mode = (data_dir / name).stat(follow_symlinks=False).st_mode
            if mode & OTHERS and not stat.S_ISLNK(mode):
                (data_dir / name).chmod(stat.S_IMODE(mode) & ~OTHERS)
                log.warning("removed other users' access to this file", path=str(data_dir / name))
        except FileNotFoundError:
            continue
        except OSError as error:
            log.warning(
                "other users may be able to read this file",
                path=str(data_dir / name),
                error=error.strerror,
            )


def warn(settings: Settings, environ: Mapping[str, str], mounts: Path = MOUNTS) -> None:
    """Log a warning for each setting that is ignored, and for SQLite on a network file system."""
    known = {each.metadata["variable"] for each in fields(Settings)} | {"PORT"}
    for name in known & environ.keys():
        if is_service_link(name, environ[name]):
            log.warning(
                "the variable is ignored: it is a Kubernetes service link, not a setting",
                variable=name,
            )
    for each in fields(Settings):
        name, default = each.metadata["variable"], each.metadata["default"]
        if default and environ.get(f"{name}_FILE") and not read_variable(environ, name):
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
