"""What can go wrong: one class a kind, a stable `code` for programs, a sentence for people.

`api/http/errors.py` maps each class to its HTTP status; the engine asks only one question of them:
is it the input's fault (`InputFault`, final) or anything else (retried)?
"""

from typing import Any

LONGEST_CAUSE = 300  # characters of a library's own text


class AfterimageError(Exception):
    """Base of every error this project raises on purpose.

    Callers of the API read `detail`, so it never repeats the text of a library's exception, which
    may hold paths, host names and addresses. Raise `from` that exception instead: logs and commands
    show `explained`.
    """

    default_code = "internal"

    def __init__(self, detail: str, *, code: str = "", errors: dict[str, Any] | None = None):
        super().__init__(detail)
        self.detail = detail
        self.code = code or self.default_code
        self.errors = errors

    @property
    def explained(self) -> str:
        """The detail and the first line of the cause: for the operator, never for callers."""
        if (cause := self.__cause__) is None:
            return self.detail
        if isinstance(cause, AfterimageError):
            text = cause.explained
        else:
            text = str(cause).strip().partition("\n")[0][:LONGEST_CAUSE] or type(cause).__name__
        return f"{self.detail.rstrip('.')}: {text.rstrip('.')}."


class InputFault(AfterimageError):
    """The caller's input is at fault: asking again with the same input gives the same answer."""

    default_code = "invalid"


class Malformed(InputFault):
    """The request cannot be read at all: broken JSON, broken multipart, a bad header."""

    default_code = "malformed"


class Unauthorized(InputFault):
    """The credentials are missing or not valid."""

    default_code = "invalid_token"


class Forbidden(InputFault):
    """The caller is known, and may not do this."""

    default_code = "forbidden"


class TooManyRequests(InputFault):
    """The caller has done this too often: again in `retry_after` seconds, not before."""

    default_code = "too_many_requests"

    def __init__(self, detail: str, *, code: str = "", retry_after: int):
        super().__init__(detail, code=code)
        self.retry_after = retry_after


class NotFound(InputFault):
    """There is no such thing, or it is not the caller's to see."""

    default_code = "not_found"


class Conflict(InputFault):
    """The thing is in a state in which this cannot be done."""

    default_code = "conflict"


class LengthRequired(InputFault):
    """An upload without a Content-Length: its end could be cut off unseen."""

    default_code = "length_required"


class TooLarge(InputFault):
    """The body is over the configured limit."""

    default_code = "too_large"


class UnsupportedMedia(InputFault):
    """A Content-Type, Content-Encoding or image format that is not accepted."""

    default_code = "unsupported_media_type"


class ModelUnavailable(AfterimageError):
    """The model is not installed here. The prediction waits for another engine, or for
    `make models`, unless the error `is_final`.
    """

    default_code = "model_unavailable"
    is_final = False


class Unavailable(AfterimageError):
    """A dependency does not answer (database, store, broker): try again in `retry_after` s."""

    default_code = "unavailable"

    def __init__(self, detail: str, *, code: str = "", retry_after: int = 2):
        super().__init__(detail, code=code)
        self.retry_after = retry_after


class QueueFull(Unavailable):
    """The queue is longer than was promised: come back in `retry_after` s."""

    default_code = "queue_full"


class InProgress(Unavailable):
    """The same request is being taken at this moment: ask again in `retry_after` seconds."""

    default_code = "in_progress"


class TryLater(AfterimageError):
    """A dependency of the engine's has no time now: the work is tried again, not before `delay`
    seconds have passed. `counts` is False when it was not really tried, so that nothing failed.
    """

    default_code = "try_later"

    def __init__(self, detail: str, *, code: str = "", delay: float = 0.0, counts: bool = True):
        super().__init__(detail, code=code)
        self.delay = delay
        self.counts = counts


class SettingsError(AfterimageError):
    """A setting is missing or has a value that cannot be used; the message names the variable.

    It is for the operator: callers of the API are only told that the service failed.
    """

    default_code = "settings"
