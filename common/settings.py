"""Every setting: its environment variable, its default and what it means.

Read once, at the doors of the processes; the README's table is made from this file.
"""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from common.errors import SettingsError
from common.webhooks.addresses import Network, parse_networks


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


def _seconds_below(most: float) -> Callable[[str], float]:
    def parse(text: str) -> float:
        if not 0 < (seconds := float(text)) <= most:
            raise ValueError(f"must be above 0 and at most {most:g}")
        return seconds

    return parse


def _dollars(text: str) -> float | None:
    amount = float(text or "nan")
    if text and not 0 <= amount < float("inf"):
        raise ValueError("must be an amount of US dollars")
    return amount if text else None


def _price(text: str) -> tuple[float, float] | None:
    """`0.15,0.60`: of a million tokens that go in and that come out."""
    amounts = [_dollars(part.strip()) for part in text.split(",")] if text else []
    if text and (len(amounts) != 2 or None in amounts):
        raise ValueError("must be two amounts, like 0.15,0.60")
    return (amounts[0] or 0.0, amounts[1] or 0.0) if amounts else None


def _seconds_or_none(text: str) -> float | None:
    return float(_count(text)) if text else None


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
    queue_promise: float | None = _setting(
        "QUEUE_PROMISE_SECONDS",
        "",
        "Longest wait in a queue that is accepted; longer: 503 `queue_full`. Empty: any.",
        _seconds_or_none,
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
    captioner_url: str = _setting(
        "CAPTIONER_URL",
        "labels://",
        "`labels://` (offline), `openai://host/v1?model=…`, or `openai+http://…` without TLS: "
        "any server with OpenAI's chat completions; it gets to see the pixels, no metadata.",
    )
    openai_api_key: str = _setting(
        "OPENAI_API_KEY", "", "Key for `openai://`; secret.", secret=True
    )
    caption_workers: int = _setting(
        "CAPTION_WORKERS",
        "8",
        "Most captions that one engine asks `openai://` for at once.",
        _count,
    )
    caption_timeout: float = _setting(
        "CAPTION_TIMEOUT", "30", "Seconds that `openai://` may take for a caption, at most 40.",
        _seconds_below(40),
    )  # fmt: skip
    caption_price: tuple[float, float] | None = _setting(
        "CAPTION_PRICE", "", "US dollars for a million tokens in and out: `0.15,0.60`.", _price
    )
    caption_budget: float | None = _setting(
        "CAPTION_BUDGET_USD", "",
        "US dollars for captions a month (UTC), over all engines. Empty: not limited.", _dollars,
    )  # fmt: skip
    caption_fallback: str = _setting(
        "CAPTION_FALLBACK", "none",
        "What follows when the budget is used up or `openai://` refuses us: `none` (the caption "
        "fails) or `labels`.", _one_of("none", "labels"),
    )  # fmt: skip
    caption_breaker: float = _setting(
        "CAPTION_BREAKER_SECONDS", "300",
        "Seconds without calls after `openai://` has refused the key, the quota or the model.",
        _seconds_below(86_400),
    )  # fmt: skip
    webhook_allowed_networks: tuple[Network, ...] = _setting(
        "WEBHOOK_ALLOWED_NETWORKS",
        "",
        "Private networks that webhooks may be sent to, comma-separated: `10.1.0.0/16,fd00::/8`.",
        parse_networks,
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
