"""The settings: each one's environment variable, default, meaning and parser.

They are read once, when a process starts. The documented table of settings is made from this file;
the parsers are in `common/settings/parsers.py`.
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
    days_or_none,
    dollars,
    folder,
    host_names,
    mirror,
    non_negative,
    one_of,
    origins,
    percentage,
    price,
    provider_names,
    seconds_below,
)
from common.settings.sources import read_setting, setting
from common.webhooks.addresses import Network, parse_networks


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings(CallerSettings):
    """All settings of one process, parsed and validated."""

    data_dir: Path = setting(
        "DATA_DIR", "var", "Folder for the data of the embedded defaults.", folder
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
        "`memory://` (standalone) or `amqp://user:password@host/vhost` (RabbitMQ).",
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
        "Location of the search index, as STORAGE_URL. `make reindex` rebuilds it from the rows.",
        secret=True,
    )
    model_dir: Path = setting(
        "MODEL_DIR", "{data_dir}/models", "Folder of the installed models.", folder
    )
    model_mirror: str = setting(
        "MODEL_MIRROR", "",
        "Folder or http(s) URL with the catalogue's files, for machines without internet access.",
        mirror,
    )  # fmt: skip
    onnx_providers: tuple[str, ...] = setting(
        "ONNX_PROVIDERS", "CPU",
        "Execution providers of onnxruntime, the preferred one first: `CUDA,CPU`. Those other than "
        "CPU need another build of onnxruntime, such as `onnxruntime-gpu`.", provider_names,
    )  # fmt: skip
    public_url: str = setting(
        "PUBLIC_URL", "",
        "Base of absolute links, including a path prefix if there is one: `https://host/photos`. "
        "Empty: taken from the request.", base_url,
    )  # fmt: skip
    trusted_hosts: tuple[str, ...] = setting(
        "TRUSTED_HOSTS", "",
        "More host names that requests may name: `photos.example,.b.example`, or `*` for all. "
        "Always allowed: IP addresses, names without a dot, local names such as `.local`, and the "
        "host of PUBLIC_URL; with TRUSTED_PROXIES all names, unless some are listed.", host_names,
    )  # fmt: skip
    trusted_proxies: int = setting(
        "TRUSTED_PROXIES", "0",
        "Number of proxies in front whose `X-Forwarded-*` headers are trusted; 0: none.",
        non_negative,
    )  # fmt: skip
    cors_origins: tuple[str, ...] = setting(
        "CORS_ORIGINS", "",
        "Origins whose web pages may call the API from a browser: "
        "`https://a.example,https://b.example`, or `*` for all. Empty: only the API's own pages.",
        origins,
    )  # fmt: skip
    decode_pixels: int = setting(
        "DECODE_PIXELS",
        "48000000",
        "Most pixels that an engine decodes at once, in all tasks.",
        count,
    )
    engine_workers: int = setting(
        "ENGINE_WORKERS", str(os.cpu_count() or 1),
        "Worker threads of an engine, each with its own model session; default: one per core.",
        count,
    )  # fmt: skip
    batch_size: int = setting(
        "BATCH_SIZE", "12", "Most predictions that a worker claims and finishes at once.", count
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
        "any server with OpenAI's chat completions API. It receives the pixels without metadata.",
    )
    openai_api_key: str = setting(
        "OPENAI_API_KEY", "", "API key for `openai://`; secret.", secret=True
    )
    caption_workers: int = setting(
        "CAPTION_WORKERS", "8",
        "Most simultaneous `openai://` requests of one engine.", count,
    )  # fmt: skip
    caption_timeout: float = setting(
        "CAPTION_TIMEOUT", "30", "Timeout of an `openai://` request in seconds, at most 40.",
        seconds_below(40),
    )  # fmt: skip
    caption_price: tuple[float, float] | None = setting(
        "CAPTION_PRICE", "", "US dollars per million input and output tokens: `0.15,0.60`.", price
    )
    caption_budget: float | None = setting(
        "CAPTION_BUDGET_USD", "",
        "US dollars for captions per month (UTC), for all engines. Empty: unlimited.", dollars,
    )  # fmt: skip
    caption_share: float = setting(
        "CAPTION_BUDGET_SHARE", "75",
        "Percentage of the remaining budget that one account may use, or all anonymous callers "
        "together. 100: all of it.", percentage,
    )  # fmt: skip
    caption_fallback: str = setting(
        "CAPTION_FALLBACK", "none",
        "When the budget is used up or `openai://` rejects requests: `none` (captions fail) or "
        "`labels` (made from labels).", one_of("none", "labels"),
    )  # fmt: skip
    caption_breaker: float = setting(
        "CAPTION_BREAKER_SECONDS", "300",
        "Seconds without requests after `openai://` rejected the key, the quota or the model.",
        seconds_below(86_400),
    )  # fmt: skip
    webhook_allowed_networks: tuple[Network, ...] = setting(
        "WEBHOOK_ALLOWED_NETWORKS", "",
        "Private networks that webhooks may be sent to, comma-separated: `10.1.0.0/16,fd00::/8`.",
        parse_networks,
    )  # fmt: skip
    metrics_port: tuple[str, int] | None = setting(
        "METRICS_PORT", "",
        "Port of an engine's metrics, `9100` (loopback), or an address, `0.0.0.0:9100`. "
        "Empty: not served. The API serves `/metrics`.", address_or_none,
    )  # fmt: skip
    drift_window_hours: int = setting(
        "DRIFT_WINDOW_HOURS", "24", "Number of latest hours that are compared for drift.", count
    )
    drift_reference: int | tuple[date, date] = setting(
        "DRIFT_REFERENCE", "28",
        "The reference for drift: a number of days before these hours, or fixed days, "
        "`2026-11-01/2026-11-14`.", days_or_interval,
    )  # fmt: skip
    drift_least: int = setting(
        "DRIFT_LEAST", "500", "Least number of images on either side for a comparison.", count
    )
    retention_days: int | None = setting(
        "RETENTION_DAYS", "",
        "Days after which finished predictions are deleted, and images without an owner and their "
        "bytes; also searches with feedback, clicks, batches and webhook deliveries, where these "
        "are kept longer. An image with an owner is kept, with its newest prediction of each task. "
        "Empty: predictions and images are kept until they are deleted by a request.",
        days_or_none,
    )  # fmt: skip
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
        "Sentry, or a server with its protocol, that errors are reported to (extra `sentry`).",
    )  # fmt: skip

    @classmethod
    def from_env(cls, environ: Mapping[str, str] = os.environ) -> "Settings":
        """Read all settings; raises SettingsError that names the first invalid variable."""
        specs = {field.name: field.metadata for field in fields(cls)}
        data_dir = read_setting(environ, specs.pop("data_dir"), "")
        values = {name: read_setting(environ, spec, str(data_dir)) for name, spec in specs.items()}
        return cls(data_dir=data_dir, **values)
