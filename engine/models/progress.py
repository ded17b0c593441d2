"""How far a pull is: a bar on a terminal, plain lines anywhere else."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from rich import progress as bars


class Progress(Protocol):
    """What a pull reports to."""

    def begin(self, name: str, size: int, address: str) -> None:
        """A file of `size` bytes is going to come from `address`."""

    def at(self, done: int) -> None:
        """So many of its bytes are there."""

    def say(self, text: str) -> None:
        """Something people should know."""


class Lines:
    """A line for each file and saying."""

    def begin(self, name: str, size: int, address: str) -> None:
        """One line for the file."""
        self.say(f"Fetching {name} ({size / 1e6:.1f} MB) from {address}")

    def at(self, done: int) -> None:
        """Nothing: a log is no place for bars."""

    def say(self, text: str) -> None:
        """Write it to stdout at once."""
        print(text, flush=True)


class Bar:
    """A bar for each file."""

    def __init__(self, bar: "bars.Progress"):
        self._bar = bar
        self._task: bars.TaskID | None = None

    def begin(self, name: str, size: int, address: str) -> None:
        """A new bar below the others."""
        self._bar.console.print(f"Fetching from {address}", markup=False, highlight=False)
        self._task = self._bar.add_task(name, total=size)

    def at(self, done: int) -> None:
        """Move the newest bar."""
        if self._task is not None:
            self._bar.update(self._task, completed=done)

    def say(self, text: str) -> None:
        """Above the bars."""
        self._bar.console.print(text, markup=False, highlight=False)


@contextmanager
def show() -> Iterator[Progress]:
    """What suits stdout."""
    if not sys.stdout.isatty():
        yield Lines()
        return
    from rich import progress as bars

    columns = ("{task.description}", bars.BarColumn(), bars.DownloadColumn())
    with bars.Progress(*columns, bars.TransferSpeedColumn()) as bar:
        yield Bar(bar)
