"""The settings of accounts and of what callers may use: who may come in, how much, how often."""

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
    """The part of `Settings` that is about callers."""

    jwt_secret: str = setting(
        "JWT_SECRET", "",
        "What tokens are signed with, 32 bytes or more, the same for all API processes. Empty: "
        "made once and kept in DATA_DIR, where the database is a file too; else it is required.",
        secret=True,
    )  # fmt: skip
    access_token_seconds: int = setting(
        "ACCESS_TOKEN_SECONDS", "900", "How long an access token is good.", count
    )
    refresh_token_seconds: int = setting(
        "REFRESH_TOKEN_SECONDS", "2592000", "How long a refresh token is good.", count
    )
    login_seconds: int = setting(
        "LOGIN_SECONDS", "7776000", "How long a log-in can be continued by refresh tokens.", count
    )
    anonymous_uploads: bool = setting(
        "ANONYMOUS_UPLOADS", "on", "Whether uploads and predictions need no account.", switch
    )
    sign_up: bool = setting("SIGN_UP", "on", "Whether anybody may open an account.", switch)
    sign_up_limit: Allowance | None = setting(
        "SIGN_UP_LIMIT", "100/hour", "New accounts of a network; `off`: any number.", allowance
    )
    rate_limit: Allowance | None = setting(
        "RATE_LIMIT", "",
        "Requests of an account, or of an address without one: `100/minute` (second, hour, day). "
        "Empty: any number.", allowance,
    )  # fmt: skip
    upload_quota: Allowance | None = setting(
        "UPLOAD_QUOTA", "", "New images of an account or an address: `1000/day`.", allowance
    )
    bytes_quota: Allowance | None = setting(
        "BYTES_QUOTA", "", "Their bytes: `500_000_000/day`.", allowance
    )
    prediction_quota: PredictionQuota = setting(
        "PREDICTION_QUOTA", "anonymous:100_000/hour",
        "Units of work of an account, or of a network without one: `5000/hour`; see the tasks for "
        "their units. `anonymous:…`: of networks alone; `anonymous:1000/hour,9000/hour`: of both; "
        "`off`: any number.", prediction_quota,
    )  # fmt: skip
    paid_tasks_anonymous: bool = setting(
        "PAID_TASKS_ANONYMOUS", "off",
        "Whether tasks that a provider is paid for (captions of `openai://`, or of any provider "
        "with CAPTION_PRICE) need no account.", switch,
    )  # fmt: skip
    max_upload_bytes: int = setting(
        "MAX_UPLOAD_BYTES", "10485760", "Largest accepted image file, in bytes.", count
    )
    max_pixels: int = setting(
        "MAX_PIXELS", "40000000", "Largest accepted image, width x height.", count
    )
    max_waiting: int = setting(
        "MAX_WAITING", "48",
        "Requests of one API process that may wait at once; keep it below WEB_THREADS.", count,
    )  # fmt: skip
    max_polls: int = setting(
        "MAX_WAITING_PER_CALLER", "8",
        "Long polls (`GET` with `?wait=`) of one account or network that wait at once in an API "
        "process; more are answered at once. MAX_WAITING or more: not limited by caller.", count,
    )  # fmt: skip
    queue_promise: float | None = setting(
        "QUEUE_PROMISE_SECONDS", "",
        "Longest wait in a queue that is accepted; longer: 503 `queue_full`. Empty: any.",
        seconds_or_none,
    )  # fmt: skip
