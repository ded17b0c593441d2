"""Standard error as a text stream that never raises and does not wait for a slow reader."""

import contextlib
import io
import os
import select
import stat
import sys
import threading
import time
from collections.abc import Callable

PATIENCE = 0.1  # seconds that a line may wait for a reader that has kept up so far
ATOMIC = 4096  # bytes that a pipe which polls as writable accepts without blocking (PIPE_BUF)


class LogStream(io.TextIOBase):
    """Writes text to a file descriptor; drops and counts lines that cannot be written at once.

    If the disk is full or the pipe is closed or not read, the first line waits at most `PATIENCE`
    seconds, and the following ones do not wait until a line can be written again.
    """

    def __init__(self, descriptor: int | None):
        """Write to `descriptor`; without one, drop and count every line."""
        self.lost = 0
        self._on_lost: Callable[[], object] | None = None
        self._descriptor = descriptor
        self._target, self._blocks = _target_of(descriptor)
        self._lock = threading.Lock()
        self._stalled = False
        self._is_cut = False  # the last line was written in part

    def writable(self) -> bool:
        """Always True, as the text stream protocol requires."""
        return True

    def fileno(self) -> int:
        """Return the descriptor; raises OSError without one."""
        if self._descriptor is None:
            raise OSError("standard error is closed")
        return self._descriptor

    def isatty(self) -> bool:
        """Whether the lines are written to a terminal."""
        return self._descriptor is not None and os.isatty(self._descriptor)

    def count_with(self, on_lost: Callable[[], object]) -> None:
        """Call `on_lost` for each line lost so far and for each one lost later."""
        self._on_lost = on_lost
        for _ in range(self.lost):
            self._report()

    def lose(self) -> None:
        """Count a line that was lost, here or before it reached the stream."""
        self.lost += 1
        self._report()

    def write(self, text: str, /) -> int:
        """Write all of `text`, or drop it if that would block; returns its length in both cases."""
        if text and not self._try_to_write(text):
            self.lose()
        return len(text)

    def _report(self) -> None:
        if self._on_lost is not None:
            with contextlib.suppress(Exception):
                self._on_lost()

    def _try_to_write(self, text: str) -> bool:
        if self._target is None or not self._lock.acquire(timeout=self._patience()):
            return False
        try:
            self._stalled = not self._write(text.encode("utf-8", "backslashreplace"))
        except (OSError, ValueError, MemoryError):
            self._stalled = True
        finally:
            self._lock.release()
        return not self._stalled

    def _patience(self) -> float:
        return 0 if self._stalled else PATIENCE

    def _write(self, line: bytes) -> bool:
        """Whether all of the line was written."""
        assert self._target is not None
        left = memoryview(b"\n" + line if self._is_cut else line)
        size, until = len(left), time.monotonic() + self._patience()
        try:
            while left and (not self._blocks or self._waits_until_ready(until)):
                try:
                    left = left[os.write(self._target, left[:ATOMIC] if self._blocks else left) :]
                except BlockingIOError:
                    if not self._waits_until_ready(until) or time.monotonic() > until:
                        break
        finally:
            if len(left) < size:
                self._is_cut = bool(left)
        return not left

    def _waits_until_ready(self, until: float) -> bool:
        poll = select.poll()
        poll.register(self._target, select.POLLOUT)  # type: ignore[arg-type]
        return bool(poll.poll(max(0.0, until - time.monotonic()) * 1e3))


def _target_of(descriptor: int | None) -> tuple[int | None, bool]:
    """Return the descriptor to write to, and whether a write to it may block.

    A pipe or terminal is opened a second time, so that O_NONBLOCK does not affect other processes
    that share it. If the system refuses that, writes are small enough not to block.
    """
    if descriptor is None:
        return None, False
    try:
        mode = os.fstat(descriptor).st_mode
    except OSError:
        return None, False
    if not (stat.S_ISFIFO(mode) or stat.S_ISCHR(mode)):
        return descriptor, stat.S_ISSOCK(mode)
    flags = os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY
    with contextlib.suppress(OSError):
        return os.open(f"/proc/self/fd/{descriptor}", flags), False
    return descriptor, True


def guard_stderr() -> LogStream | None:
    """Replace `sys.stderr` by a LogStream and return that.

    Returns None if `sys.stderr` was replaced already, as by test runners.
    """
    if isinstance(sys.stderr, LogStream):
        return sys.stderr
    if sys.stderr is not sys.__stderr__:
        return None
    stream = LogStream(None if sys.stderr is None else 2)
    _reserve_standard_descriptors()
    sys.stderr = stream
    return stream


def _reserve_standard_descriptors() -> None:
    """Open closed standard descriptors on /dev/null. Otherwise a database file could get number 2,
    and C libraries would print into it.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            with contextlib.suppress(OSError):
                os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)
