"""The two windows of time that are compared for drift."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from common.settings import Settings

Span = tuple[datetime, datetime]


@dataclass(frozen=True, slots=True)
class Windows:
    """The current window, the last `hours`, and the reference: the `days` before it, or the days of
    a fixed interval.
    """

    hours: int
    days: int = 0
    fixed: tuple[date, date] | None = None

    @classmethod
    def of(cls, settings: Settings) -> "Windows":
        """Return the windows of DRIFT_WINDOW_HOURS and DRIFT_REFERENCE."""
        reference = settings.drift_reference
        if isinstance(reference, int):
            return cls(settings.drift_window_hours, days=reference)
        return cls(settings.drift_window_hours, fixed=reference)

    def current(self, at: datetime) -> Span:
        """Return begin and end of the current window: from the start of its first hour to `at`."""
        begin = at - timedelta(hours=self.hours)
        return begin.replace(minute=0, second=0, microsecond=0), at

    def reference(self, at: datetime) -> Span:
        """Return begin and end of the reference: up to the current window, or the fixed days (UTC)
        including the last one.
        """
        if self.fixed:
            first, last = (datetime.combine(day, time(), UTC) for day in self.fixed)
            return first, last + timedelta(days=1)
        end = self.current(at)[0]
        return end - timedelta(days=self.days), end
