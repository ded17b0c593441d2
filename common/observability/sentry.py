"""Reporting errors to Sentry, or to a server with its protocol, if SENTRY_DSN is set.

A report holds the fields of the log line and the stack. It holds no request bodies or headers, no
values of variables and no parameters of SQL statements, which may be photographs or credentials.
"""

import contextlib
import sys
from importlib.metadata import version
from typing import Any

from structlog.typing import EventDict, Processor

from common.errors import SettingsError
from common.observability.log_text import hide_values

TAGS = ("request_id", "task", "id")  # fields that can be searched
LEFT_OUT = ("exc_info", "level", "timestamp")


def reporter(dsn: str) -> Processor:
    """Return a structlog processor that reports errors to `dsn` and passes the event on unchanged.

    The client sends in a thread of its own; a report that fails is dropped. Raises SettingsError if
    the extra `sentry` is not installed or the DSN is invalid.
    """
    _connect(dsn)

    def report(_logger: object, _method: str, event: EventDict) -> EventDict:
        if event.get("level") in ("error", "critical"):
            with contextlib.suppress(Exception):
                _capture(event)
        return event

    return report


def _connect(dsn: str) -> None:
    try:
        import sentry_sdk
        from sentry_sdk.integrations.atexit import AtexitIntegration
        from sentry_sdk.integrations.dedupe import DedupeIntegration
        from sentry_sdk.utils import BadDsn
    except ImportError as error:
        raise SettingsError(
            "SENTRY_DSN needs the extra `sentry`: pip install 'afterimage[sentry]'."
        ) from error
    try:
        sentry_sdk.init(
            dsn,
            release=f"afterimage@{version('afterimage')}",
            default_integrations=False,
            auto_enabling_integrations=False,
            integrations=[AtexitIntegration(callback=lambda *_: None), DedupeIntegration()],
            include_local_variables=False,
            max_request_body_size="never",
            before_send=_without_values,
        )
    except BadDsn as error:
        raise SettingsError(f"SENTRY_DSN cannot be used: {error}") from error


def _capture(event: EventDict) -> None:
    import sentry_sdk

    with sentry_sdk.new_scope() as scope:
        fields = {name: str(event[name]) for name in event if name not in LEFT_OUT}
        scope.set_context("log", fields)
        for name in fields.keys() & set(TAGS):
            scope.set_tag(name, fields[name])
        error = _error_in(event)
        if error is None:
            scope.capture_message(fields["event"], level="error")
        else:
            scope.capture_exception(error)


def _without_values(report: Any, _hint: object) -> Any:
    """Return the report without the column values that a database's error messages repeat."""
    for error in report.get("exception", {}).get("values", ()):
        error["value"] = hide_values(str(error.get("value") or ""))
    return report


def _error_in(event: EventDict) -> BaseException | None:
    """Return the exception of the log line: the given one, or the one being handled."""
    exc_info = event.get("exc_info")
    if isinstance(exc_info, BaseException):
        return exc_info
    return sys.exc_info()[1] if exc_info else None
