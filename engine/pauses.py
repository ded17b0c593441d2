"""Pauses between the transactions of a long job, so that requests do not notice it."""

import math
import time

REST = 4.0  # times as long as the work: a job takes at most a fifth of a processor and of the locks
SHORTEST, LONGEST = 0.01, 1.0  # seconds of one pause


class Pace:
    """The pauses of one job. They grow with the time that the database takes for its work."""

    def __init__(self, longest: float = math.inf):
        self._end = time.monotonic() + longest
        self._begin = time.monotonic()

    @property
    def is_over(self) -> bool:
        """Whether the job has run for `longest` seconds."""
        return time.monotonic() >= self._end

    def pause(self) -> None:
        """Pause for REST times as long as the work since the last pause took."""
        worked = time.monotonic() - self._begin
        time.sleep(min(LONGEST, max(SHORTEST, REST * worked)))
        self._begin = time.monotonic()
