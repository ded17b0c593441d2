"""Every setting: its environment variable, its default and what it means.

Read once, at the doors of the processes; the README's table is made from this file.
"""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from common.errors import SettingsError


def _count(text: str) -> int:
    """A whole number of at least 1; `10_000` is fine."""
    number = int(text)
    if number < 1:
        raise ValueError("must be at least 1")
    return number


def _non_negative(text: str) -> int:
    number = int(text)
    if number < 0:
        raise ValueError("must not be negative")
    return number


def _folder(text: str) -> Path:
    return Path(text).expanduser().resolve()


def _mirror(text: str) -> str:
    """A folder or an http(s) address; empty means: download from the catalogue's sources."""
    return text if not text or "://" in text else str(_folder(text))


def _one_of(*allowed: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text.lower() not in allowed:
            raise ValueError(f"must be one of {', '.join(allowed)}")
        return text.lower()

    return parse


def _setting(
    variable: str,
    default: str,
    meaning: str,
    parse: Callable[[str], Any] = str,
    *,
    secret: bool = False,
) -> Any:
    """A field of `Settings`; `{data_dir}` in a default stands for the value of DATA_DIR."""
    about = {"variable": variable, "default": default, "meaning": meaning, "parse": parse}
    return field(metadata=about, repr=not secret)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """All settings of one process, parsed and checked."""

    data_dir: Path = _setting(
        "DATA_DIR", "var", "Folder of everything the embedded defaults keep.", _folder
    )
    database_url: str = _setting(
        "DATABASE_URL",
        "sqlite:///{data_dir}/afterimage.db",
        "`sqlite:///…` or `mysql+pymysql://user:password@host/name` (MySQL 8.4+, MariaDB 10.11+).",
        secret=True,
    )
    broker_url: str = _setting(
        "BROKER_URL",
        "memory://",
        "`memory://` (one process) or `amqp://user:password@host/vhost` (RabbitMQ).",
        secret=True,
    )
    storage_url: str = _setting(
        "STORAGE_URL",
        "file://{data_dir}/objects",
        "`file:///folder` or `s3://bucket?endpoint=…&region=…&access_key=…&secret_key=…`.",
        secret=True,
    )
    model_dir: Path = _setting(
        "MODEL_DIR", "{data_dir}/models", "Folder of the installed models.", _folder
    )
    model_mirror: str = _setting(
        "MODEL_MIRROR",
        "",
        "Folder or http(s) address with the catalogue's files, for machines without internet.",
        _mirror,
    )
    public_url: str = _setting(
        "PUBLIC_URL", "", "Base of absolute links; empty: taken from the request.", str
    )
    trusted_proxies: int = _setting(
        "TRUSTED_PROXIES",
        "0",
        "How many proxies in front may set `X-Forwarded-*`; 0: none is believed.",
        _non_negative,
    )
    max_upload_bytes: int = _setting(
        "MAX_UPLOAD_BYTES", "10485760", "Largest accepted image file, in bytes.", _count
    )
    max_pixels: int = _setting(
        "MAX_PIXELS", "40000000", "Largest accepted image, width x height.", _count
    )
    max_waiting: int = _setting(
        "MAX_WAITING",
        "48",
        "Requests of one API process that may wait at once; keep it below WEB_THREADS.",
        _count,
    )
    engine_workers: int = _setting(
        "ENGINE_WORKERS",
        str(os.cpu_count() or 1),
        "Worker threads of an engine, each with a model session of its own; default: one a core.",
        _count,
    )
    batch_size: int = _setting(
        "BATCH_SIZE", "12", "Most predictions that a worker claims and writes at once.", _count
    )
    database_pool: int = _setting(
        "DATABASE_POOL", "16", "Most database connections of one process.", _count
    )
    log_level: str = _setting(
        "LOG_LEVEL", "info", "`debug`, `info`, `warning` or `error`.",
        _one_of("debug", "info", "warning", "error"),
    )  # fmt: skip
    log_format: str = _setting(
        "LOG_FORMAT", "auto", "`json`, `console`, or `auto`: console on a terminal, else JSON.",
        _one_of("auto", "json", "console"),
    )  # fmt: skip

    @classmethod
    def from_env(cls, environ: Mapping[str, str] = os.environ) -> "Settings":
        """Read every setting; raises SettingsError that names the first variable it cannot use."""
        data_dir = _read(environ, fields(cls)[0].metadata, "")
        values = {
            spec.name: _read(environ, spec.metadata, str(data_dir)) for spec in fields(cls)[1:]
        }
        return cls(data_dir=data_dir, **values)


def _read(environ: Mapping[str, str], about: Mapping[str, Any], data_dir: str) -> Any:
    """One setting's parsed value; an empty variable counts as unset."""
    variable: str = about["variable"]
    raw = environ.get(variable, "").strip() or about["default"].format(data_dir=data_dir)
    try:
        return about["parse"](raw)
    except ValueError as error:
        raise SettingsError(f"{variable}={raw!r} cannot be used: {error}") from error
