"""Logging with structlog: one event per line, as JSON, or as colored text on a terminal.

Logging calls never raise and never block: a line that cannot be formatted or written is dropped and
counted.
"""

import logging
import sys
from typing import Any, TextIO

import structlog
from prometheus_client import Counter
from structlog.typing import Processor

from common.observability.log_stream import LogStream, guard_stderr
from common.observability.log_text import escaped_event, format_exception, print_exception
from common.observability.sentry import reporter


def configure(level: str, style: str, sentry_dsn: str = "") -> None:
    """Configure the process's logging; `level` as in LOG_LEVEL, `style` as in LOG_FORMAT.

    Errors are also reported to `sentry_dsn`, unless it is empty. Raises SettingsError if the DSN
    is invalid.
    """
    output: TextIO | LogStream = guard_stderr() or sys.stderr
    console = style == "console" or (style == "auto" and output.isatty())
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            *([reporter(sentry_dsn)] if sentry_dsn else []),
            structlog.processors.StackInfoRenderer(),
            *(_console() if console else _json()),
        ],
        wrapper_class=_harmless_logger(level),
        logger_factory=structlog.WriteLoggerFactory(file=output),  # type: ignore[arg-type]
        cache_logger_on_first_use=True,
    )


def count_lost_lines(counter: Counter) -> None:
    """Count in this metric the log lines that were lost since the process began, and later ones."""
    if isinstance(sys.stderr, LogStream):
        sys.stderr.count_with(counter.inc)


def _console() -> list[Processor]:
    return [
        escaped_event,
        structlog.dev.ConsoleRenderer(exception_formatter=print_exception),
    ]


def _json() -> list[Processor]:
    return [
        structlog.processors.ExceptionRenderer(format_exception),
        structlog.processors.JSONRenderer(),
    ]


def _harmless_logger(level: str) -> type[Any]:
    """Return structlog's logger class for this level, with errors of processors counted instead of
    raised.
    """
    base: Any = structlog.make_filtering_bound_logger(logging.getLevelName(level.upper()))

    def log(self: Any, name: str, event: str | None = None, /, **fields: Any) -> Any:
        try:
            return base._proxy_to_logger(self, name, event, **fields)
        except Exception:
            _lose_line()

    return type("HarmlessLogger", (base,), {"_proxy_to_logger": log})


def _lose_line() -> None:
    if isinstance(sys.stderr, LogStream):
        sys.stderr.lose()
