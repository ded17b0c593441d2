"""Logging: structlog, one event a line, JSON for machines and coloured text for a terminal."""

import logging
import sys

import structlog

from common.defects import reporter


def configure(level: str, style: str, sentry_dsn: str = "") -> None:
    """Set up the process's logging; `level` as in LOG_LEVEL, `style` as in LOG_FORMAT, and where
    errors are told as well. Raises SettingsError when they cannot be told there.
    """
    console = style == "console" or (style == "auto" and sys.stderr.isatty())
    renderer: structlog.typing.Processor = (
        structlog.dev.ConsoleRenderer() if console else structlog.processors.JSONRenderer()
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            *([reporter(sentry_dsn)] if sentry_dsn else []),
            structlog.processors.StackInfoRenderer(),
            structlog.processors.format_exc_info if not console else _untouched,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level.upper())),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=True,
    )


def _untouched(
    _logger: object, _method: str, event: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    """The console renderer draws exceptions itself."""
    return event
