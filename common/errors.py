"""The project's exceptions: each has a stable `code` for programs and a `detail` for people.

`api/http/errors.py` maps each class to an HTTP status. The engine distinguishes only two kinds:
faults of the input (`InputFault`), which are final, and all others, which are retried.
"""

from typing import Any

LONGEST_CAUSE = 300  # characters of a library's error text


class AfterimageError(Exception):
    """Base class of the errors that this project raises.

    Callers of the API read `detail`, so it never repeats the text of a library's exception, which
    may hold paths, host names and addresses. Raise the error `from` that exception instead; logs
    and commands show `explained`.
    """

    default_code = "internal"

    def __init__(self, detail: str, *, code: str = "", errors: dict[str, Any] | None = None):
        super().__init__(detail)
        self.detail = detail
        self.code = code or self.default_code
        self.errors = errors

    @property
    def explained(self) -> str:
        """The detail and the first line of the cause, for the operator; never sent to callers."""
        if (cause := self.__cause__) is None:
            return self.detail
        if isinstance(cause, AfterimageError):
            text = cause.explained
        else:
            text = str(cause).strip().partition("\n")[0][:LONGEST_CAUSE] or type(cause).__name__
        return f"{self.detail.rstrip('.')}: {text.rstrip('.')}."


class InputFault(AfterimageError):
    """The request is invalid: the same request would fail again."""

    default_code = "invalid"


class Malformed(InputFault):
    """The request cannot be parsed: invalid JSON, multipart data or header."""

    default_code = "malformed"


class Unauthorized(InputFault):
    """The credentials are missing or invalid."""

    default_code = "invalid_token"


class Forbidden(InputFault):
    """The caller is known but not allowed to do this."""

    default_code = "forbidden"


class TooManyRequests(InputFault):
    """The caller has exceeded a rate limit or quota; retry after `retry_after` seconds."""

    default_code = "too_many_requests"

    def __init__(self, detail: str, *, code: str = "", retry_after: int):
        super().__init__(detail, code=code)
        self.retry_after = retry_after


class NotFound(InputFault):
    """The resource does not exist, or the caller may not see it."""

    default_code = "not_found"


class Conflict(InputFault):
    """The request conflicts with the current state of the resource."""

    default_code = "conflict"


class LengthRequired(InputFault):
    """An upload without Content-Length, whose truncation could not be detected."""

    default_code = "length_required"


class TooLarge(InputFault):
    """The body exceeds the configured limit."""

    default_code = "too_large"


class UnsupportedMedia(InputFault):
    """The Content-Type, Content-Encoding or image format is not accepted."""

    default_code = "unsupported_media_type"


class ModelUnavailable(AfterimageError):
    """The model is not installed on this machine. Unless the error `is_final`, the prediction waits
    for another engine, or for `make models`.
    """

    default_code = "model_unavailable"
    is_final = False


class Unavailable(AfterimageError):
    """A dependency (database, object store, broker) does not answer; retry after `retry_after`
    seconds.
    """

    default_code = "unavailable"

    def __init__(self, detail: str, *, code: str = "", retry_after: int = 2):
        super().__init__(detail, code=code)
        self.retry_after = retry_after


class QueueFull(Unavailable):
    """The queue's wait would exceed QUEUE_PROMISE_SECONDS; retry after `retry_after` seconds."""

    default_code = "queue_full"


class InProgress(Unavailable):
    """The same request is being processed at this moment; retry after `retry_after` seconds."""

    default_code = "in_progress"


class TryLater(AfterimageError):
    """A dependency of the engine is busy: the prediction is retried after at least `delay` seconds.
    `counts` is False if no call was made, so that this does not count as a failure.
    """

    default_code = "try_later"

    def __init__(self, detail: str, *, code: str = "", delay: float = 0.0, counts: bool = True):
        super().__init__(detail, code=code)
        self.delay = delay
        self.counts = counts


class SettingsError(AfterimageError):
    """A setting is missing or invalid; the message names the variable.

    It is shown to the operator only; callers of the API get an internal error.
    """

    default_code = "settings"
