"""Show the progress of a download: a bar on a terminal, lines of text elsewhere."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from rich import progress as bars


class Progress(Protocol):
    """Receives the progress of a download."""

    def begin(self, name: str, size: int, address: str) -> None:
        """A download of a file of `size` bytes from `address` begins; -1: its size is unknown."""

    def at(self, done: int) -> None:
        """`done` bytes of the file have been received."""

    def say(self, text: str) -> None:
        """Show a message to the user."""


class Lines:
    """Writes one line per file and message."""

    def begin(self, name: str, size: int, address: str) -> None:
        """Write a line about the file."""
        known = f" ({size / 1e6:.1f} MB)" if size >= 0 else ""
        self.say(f"Fetching {name}{known} from {address}")

    def at(self, done: int) -> None:
        """Do nothing: a log should not contain progress bars."""

    def say(self, text: str) -> None:
        """Write the message to stdout without buffering."""
        print(text, flush=True)


class Bar:
    """Shows a progress bar per file."""

    def __init__(self, bar: "bars.Progress"):
        self._bar = bar
        self._task: bars.TaskID | None = None

    def begin(self, name: str, size: int, address: str) -> None:
        """Add a bar below the others."""
        self._bar.console.print(f"Fetching from {address}", markup=False, highlight=False)
        self._task = self._bar.add_task(name, total=size if size >= 0 else None)

    def at(self, done: int) -> None:
        """Update the last bar."""
        if self._task is not None:
            self._bar.update(self._task, completed=done)

    def say(self, text: str) -> None:
        """Write the message above the bars."""
        self._bar.console.print(text, markup=False, highlight=False)


@contextmanager
def show() -> Iterator[Progress]:
    """Yield bars if stdout is a terminal, else lines."""
    if not sys.stdout.isatty():
        yield Lines()
        return
    from rich import progress as bars

    columns = ("{task.description}", bars.BarColumn(), bars.DownloadColumn())
    with bars.Progress(*columns, bars.TransferSpeedColumn()) as bar:
        yield Bar(bar)
