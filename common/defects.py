"""Defects told to Sentry, or to what speaks its protocol, where SENTRY_DSN is set.

Told is what the log says of an error, and its stack. Neither requests with their bodies and headers
nor the values of variables are: photographs and credentials pass through them.
"""

import sys
from importlib.metadata import version

from structlog.typing import EventDict, Processor

from common.errors import SettingsError

TAGS = ("request_id", "task", "id")  # what one looks for
UNTOLD = ("exc_info", "level", "timestamp")


def reporter(dsn: str) -> Processor:
    """A step of structlog's that tells `dsn` of errors and leaves the event as it is.

    Sending is the client's own thread's business, which never fails a request. Raises SettingsError
    when the extra `sentry` is not installed, or the DSN is none.
    """
    try:
        import sentry_sdk
        from sentry_sdk.integrations.atexit import AtexitIntegration
        from sentry_sdk.integrations.dedupe import DedupeIntegration
        from sentry_sdk.utils import BadDsn
    except ImportError as error:
        raise SettingsError("SENTRY_DSN needs: pip install 'afterimage[sentry]'.") from error
    try:
        sentry_sdk.init(
            dsn,
            release=f"afterimage@{version('afterimage')}",
            default_integrations=False,
            auto_enabling_integrations=False,
            integrations=[AtexitIntegration(callback=lambda *_: None), DedupeIntegration()],
            include_local_variables=False,
            max_request_body_size="never",
        )
    except BadDsn as error:
        raise SettingsError(f"SENTRY_DSN cannot be used: {error}") from error

    def tell(_logger: object, _method: str, event: EventDict) -> EventDict:
        if event.get("level") in ("error", "critical"):
            with sentry_sdk.new_scope() as scope:
                said = {name: str(event[name]) for name in event if name not in UNTOLD}
                scope.set_context("log", said)
                for name in said.keys() & set(TAGS):
                    scope.set_tag(name, said[name])
                error = _error_in(event)
                if error is None:
                    scope.capture_message(said["event"], level="error")
                else:
                    scope.capture_exception(error)
        return event

    return tell


def _error_in(event: EventDict) -> BaseException | None:
    """The exception that is logged: given, or the one that is being handled."""
    given = event.get("exc_info")
    if isinstance(given, BaseException):
        return given
    return sys.exc_info()[1] if given else None
