"""The settings of accounts, rate limits and quotas."""

from dataclasses import dataclass

from common.settings.parsers import (
    Allowance,
    PredictionQuota,
    allowance,
    count,
    prediction_quota,
    seconds_or_none,
    switch,
)
from common.settings.sources import setting


@dataclass(frozen=True, slots=True, kw_only=True)
class CallerSettings:
    """The part of `Settings` that concerns callers."""

    jwt_secret: str = setting(
        "JWT_SECRET", "",
        "Key that signs tokens, 32 bytes or more, the same for all API processes. Empty, with "
        "SQLite: generated once and stored in DATA_DIR; required with other databases.",
        secret=True,
    )  # fmt: skip
    access_token_seconds: int = setting(
        "ACCESS_TOKEN_SECONDS", "900", "Lifetime of an access token.", count
    )
    refresh_token_seconds: int = setting(
        "REFRESH_TOKEN_SECONDS", "2592000", "Lifetime of a refresh token.", count
    )
    login_seconds: int = setting(
        "LOGIN_SECONDS", "7776000", "Longest time that refresh tokens can extend a log-in.", count
    )
    anonymous_uploads: bool = setting(
        "ANONYMOUS_UPLOADS", "on", "Whether anonymous callers may create images and predictions.",
        switch,
    )  # fmt: skip
    sign_up: bool = setting("SIGN_UP", "on", "Whether everyone may open an account.", switch)
    sign_up_limit: Allowance | None = setting(
        "SIGN_UP_LIMIT", "100/hour", "New accounts per network; `off`: unlimited.", allowance
    )
    rate_limit: Allowance | None = setting(
        "RATE_LIMIT", "",
        "Requests per account, or per network of anonymous callers: `100/minute` (or second, hour, "
        "day). Empty: unlimited.", allowance,
    )  # fmt: skip
    upload_quota: Allowance | None = setting(
        "UPLOAD_QUOTA", "", "New images per account or network: `1000/day`. Empty: unlimited.",
        allowance,
    )  # fmt: skip
    bytes_quota: Allowance | None = setting(
        "BYTES_QUOTA", "", "Bytes of new images, likewise: `500_000_000/day`.", allowance
    )
    prediction_quota: PredictionQuota = setting(
        "PREDICTION_QUOTA", "anonymous:100_000/hour",
        "Units of work per account, or per network of anonymous callers: `5000/hour`; the table of "
        "tasks lists their units. `anonymous:…` limits networks only; "
        "`anonymous:1000/hour,9000/hour` sets both; `off`: unlimited.", prediction_quota,
    )  # fmt: skip
    paid_tasks_anonymous: bool = setting(
        "PAID_TASKS_ANONYMOUS", "off",
        "Whether anonymous callers may use tasks for which a provider is paid (captions of "
        "`openai://`, or of any provider with CAPTION_PRICE).", switch,
    )  # fmt: skip
    max_upload_bytes: int = setting(
        "MAX_UPLOAD_BYTES", "10485760", "Largest accepted image file, in bytes.", count
    )
    max_pixels: int = setting(
        "MAX_PIXELS", "40000000", "Largest accepted image, width x height.", count
    )
    max_waiting: int = setting(
        "MAX_WAITING", "48",
        "Requests of one API process that may wait at the same time; must be below WEB_THREADS.",
        count,
    )  # fmt: skip
    max_polls: int = setting(
        "MAX_WAITING_PER_CALLER", "8",
        "Long polls (`GET` with `?wait=`) of one account or network that may wait at the same time "
        "in an API process; more are answered immediately. MAX_WAITING or more: no limit per "
        "caller.", count,
    )  # fmt: skip
    queue_promise: float | None = setting(
        "QUEUE_PROMISE_SECONDS", "",
        "Longest accepted wait in a queue; predictions that would wait longer are rejected with "
        "503 `queue_full`. Empty: unlimited.", seconds_or_none,
    )  # fmt: skip
