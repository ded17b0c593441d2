"""Every setting: its environment variable, its default and what it means.

Read once, at the doors of the processes; the README's table is made from this file. What values
may be is in `common/settings/parsers.py`.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import date
from pathlib import Path

from common.database.address import database_address
from common.settings.callers import CallerSettings
from common.settings.parsers import (
    address_or_none,
    base_url,
    count,
    days_or_interval,
    dollars,
    folder,
    host_names,
    mirror,
    non_negative,
    one_of,
    origins,
    percentage,
    price,
    seconds_below,
)
from common.settings.sources import read_setting, setting
from common.webhooks.addresses import Network, parse_networks


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings(CallerSettings):
    """All settings of one process, parsed and checked."""

    data_dir: Path = setting(
        "DATA_DIR", "var", "Folder of everything the embedded defaults keep.", folder
    )
    database_url: str = setting(
        "DATABASE_URL",
        "sqlite:///{data_dir}/afterimage.db",
        "`sqlite:///…` or `mysql+pymysql://user:password@host/name` (MySQL 8.4+, MariaDB 10.11+).",
        database_address,
        secret=True,
    )
    broker_url: str = setting(
        "BROKER_URL",
        "memory://",
        "`memory://` (one process) or `amqp://user:password@host/vhost` (RabbitMQ).",
        secret=True,
    )
    storage_url: str = setting(
        "STORAGE_URL",
        "file://{data_dir}/objects",
        "`file:///folder` or `s3://bucket?endpoint=…&region=…&access_key=…&secret_key=…`.",
        secret=True,
    )
    index_url: str = setting(
        "INDEX_URL",
        "file://{data_dir}/index",
        "Where the search index is: as STORAGE_URL. `make reindex` makes it anew from the rows.",
        secret=True,
    )
    model_dir: Path = setting(
        "MODEL_DIR", "{data_dir}/models", "Folder of the installed models.", folder
    )
    model_mirror: str = setting(
        "MODEL_MIRROR", "",
        "Folder or http(s) address with the catalogue's files, for machines without internet.",
        mirror,
    )  # fmt: skip
    public_url: str = setting(
        "PUBLIC_URL", "",
        "Base of absolute links, with the path prefix if there is one: `https://host/photos`. "
        "Empty: taken from the request.", base_url,
    )  # fmt: skip
    trusted_hosts: tuple[str, ...] = setting(
        "TRUSTED_HOSTS", "",
        "Further host names in requests: `photos.example,.b.example`, or `*`. Always allowed: "
        "addresses, names without a dot, `.local` and the like, and PUBLIC_URL's; behind "
        "TRUSTED_PROXIES any, unless some are listed.", host_names,
    )  # fmt: skip
    trusted_proxies: int = setting(
        "TRUSTED_PROXIES", "0",
        "How many proxies in front may set `X-Forwarded-*`; 0: none is believed.", non_negative,
    )  # fmt: skip
    cors_origins: tuple[str, ...] = setting(
        "CORS_ORIGINS", "",
        "Web pages that may call the API from a browser: `https://a.example,https://b.example`, "
        "or `*`. Empty: our own alone.", origins,
    )  # fmt: skip
    decode_pixels: int = setting(
        "DECODE_PIXELS", "48000000", "Pixels that an engine decodes at once, for all tasks.", count
    )
    engine_workers: int = setting(
        "ENGINE_WORKERS", str(os.cpu_count() or 1),
        "Worker threads of an engine, each with a model session of its own; default: one a core.",
        count,
    )  # fmt: skip
    batch_size: int = setting(
        "BATCH_SIZE", "12", "Most predictions that a worker claims and writes at once.", count
    )
    database_pool: int = setting(
        "DATABASE_POOL",
        "24",
        "Most database connections of one process; a third of them are for reads.",
        count,
    )
    captioner_url: str = setting(
        "CAPTIONER_URL",
        "labels://",
        "`labels://` (offline), `openai://host/v1?model=…`, or `openai+http://…` without TLS: "
        "any server with OpenAI's chat completions; it gets to see the pixels, no metadata.",
    )
    openai_api_key: str = setting("OPENAI_API_KEY", "", "Key for `openai://`; secret.", secret=True)
    caption_workers: int = setting(
        "CAPTION_WORKERS", "8",
        "Most captions that one engine asks `openai://` for at once.", count,
    )  # fmt: skip
    caption_timeout: float = setting(
        "CAPTION_TIMEOUT", "30", "Seconds that `openai://` may take for a caption, at most 40.",
        seconds_below(40),
    )  # fmt: skip
    caption_price: tuple[float, float] | None = setting(
        "CAPTION_PRICE", "", "US dollars for a million tokens in and out: `0.15,0.60`.", price
    )
    caption_budget: float | None = setting(
        "CAPTION_BUDGET_USD", "",
        "US dollars for captions a month (UTC), over all engines. Empty: not limited.", dollars,
    )  # fmt: skip
    caption_share: float = setting(
        "CAPTION_BUDGET_SHARE", "75",
        "Per cent of that budget, as far as others have left it, that one account may use, or all "
        "anonymous callers together. 100: all of it.", percentage,
    )  # fmt: skip
    caption_fallback: str = setting(
        "CAPTION_FALLBACK", "none",
        "What follows when the budget is used up or `openai://` refuses us: `none` (the caption "
        "fails) or `labels`.", one_of("none", "labels"),
    )  # fmt: skip
    caption_breaker: float = setting(
        "CAPTION_BREAKER_SECONDS", "300",
        "Seconds without calls after `openai://` has refused the key, the quota or the model.",
        seconds_below(86_400),
    )  # fmt: skip
    webhook_allowed_networks: tuple[Network, ...] = setting(
        "WEBHOOK_ALLOWED_NETWORKS", "",
        "Private networks that webhooks may be sent to, comma-separated: `10.1.0.0/16,fd00::/8`.",
        parse_networks,
    )  # fmt: skip
    metrics_port: tuple[str, int] | None = setting(
        "METRICS_PORT", "",
        "Where an engine process answers with its metrics: `9100` on loopback, or `0.0.0.0:9100`. "
        "Empty: nowhere. The API has `/metrics`.", address_or_none,
    )  # fmt: skip
    drift_window_hours: int = setting(
        "DRIFT_WINDOW_HOURS", "24", "The latest hours that are compared for drift.", count
    )
    drift_reference: int | tuple[date, date] = setting(
        "DRIFT_REFERENCE", "28",
        "What they are compared with: so many days before them, or fixed ones, "
        "`2026-11-01/2026-11-14`.", days_or_interval,
    )  # fmt: skip
    drift_least: int = setting(
        "DRIFT_LEAST", "500", "Fewer images on either side are not compared.", count
    )
    log_level: str = setting(
        "LOG_LEVEL", "info", "`debug`, `info`, `warning` or `error`.",
        one_of("debug", "info", "warning", "error"),
    )  # fmt: skip
    log_format: str = setting(
        "LOG_FORMAT", "auto", "`json`, `console`, or `auto`: console on a terminal, else JSON.",
        one_of("auto", "json", "console"),
    )  # fmt: skip
    sentry_dsn: str = setting(
        "SENTRY_DSN", "",
        "Where errors are told as well: Sentry, or what speaks its protocol (extra `sentry`).",
    )  # fmt: skip

    @classmethod
    def from_env(cls, environ: Mapping[str, str] = os.environ) -> "Settings":
        """Read every setting; raises SettingsError that names the first variable it cannot use."""
        specs = {spec.name: spec.metadata for spec in fields(cls)}
        data_dir = read_setting(environ, specs.pop("data_dir"), "")
        values = {
            name: read_setting(environ, about, str(data_dir)) for name, about in specs.items()
        }
        return cls(data_dir=data_dir, **values)
