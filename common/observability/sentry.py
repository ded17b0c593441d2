"""Errors reported to Sentry, or to a server with its protocol, where SENTRY_DSN is set.

A report holds the fields of the log line and the stack. It holds no request, body or header, no
value of a variable and no parameter of an SQL statement: they may be photographs or credentials.
"""

import contextlib
import sys
from importlib.metadata import version
from typing import Any

from structlog.typing import EventDict, Processor

from common.errors import SettingsError
from common.observability.log_text import hide_values

TAGS = ("request_id", "task", "id")  # fields that people search by
LEFT_OUT = ("exc_info", "level", "timestamp")


def reporter(dsn: str) -> Processor:
    """A structlog step that reports errors to `dsn` and leaves the event as it is.

    The client sends in a thread of its own; a report that cannot be made is dropped. Raises
    SettingsError when the extra `sentry` is not installed or the DSN cannot be used.
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
    """The report without the values that a database's error messages repeat."""
    for error in report.get("exception", {}).get("values", ()):
        error["value"] = hide_values(str(error.get("value") or ""))
    return report


def _error_in(event: EventDict) -> BaseException | None:
    """The exception of the log line: the given one, or the one being handled."""
    given = event.get("exc_info")
    if isinstance(given, BaseException):
        return given
    return sys.exc_info()[1] if given else None
