"""Cleaning of log lines: no terminal escapes, no local variables, no values from SQL errors."""

import re
import traceback
from typing import TextIO

from structlog.typing import EventDict, ExcInfo

LONGEST_TRACEBACK = 20_000  # characters
# C0, DEL and C1 control characters, line separators, and marks that reorder displayed text.
_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")
# MySQL and MariaDB repeat the value of a column in these messages.
_VALUES = re.compile(
    r"(Duplicate entry|Incorrect [\w ]{1,30} value:?|Truncated incorrect [\w ]{1,30} value:?) "
    r"""(['"]).*?\2(?= for |\n|\)|"|$)""",
    re.DOTALL,
)


def escape_controls(text: str) -> str:
    r"""Return the text with each control character replaced by an escape such as `\x1b`."""
    return _CONTROLS.sub(lambda match: match[0].encode("unicode_escape").decode(), text)


def hide_values(text: str) -> str:
    """Return a database's error message without the column values that it repeats."""
    return _VALUES.sub(r"\1 '…'", text)


def escaped_event(_logger: object, _method: str, event: EventDict) -> EventDict:
    """A structlog processor for consoles: escape the control characters in names and texts."""
    return {
        escape_controls(name): escape_controls(value) if isinstance(value, str) else value
        for name, value in event.items()
    }


def format_exception(exc_info: ExcInfo) -> str:
    """Return the traceback with source lines and without local variables; a long one is cut in the
    middle.
    """
    text = hide_values("".join(traceback.format_exception(*exc_info))).rstrip("\n")
    if len(text) <= LONGEST_TRACEBACK:
        return text
    half = LONGEST_TRACEBACK // 2
    return f"{text[:half]}\n… {len(text) - 2 * half} characters …\n{text[-half:]}"


def print_exception(output: TextIO, exc_info: ExcInfo) -> None:
    """Write the traceback to a console, with control characters escaped."""
    lines = format_exception(exc_info).split("\n")
    output.write("\n" + "\n".join(map(escape_controls, lines)))
