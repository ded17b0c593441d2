"""Which hours are compared with which."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from common.settings import Settings

Span = tuple[datetime, datetime]


@dataclass(frozen=True, slots=True)
class Windows:
    """`hours` up to now, against `days` before them, or against the days of a fixed interval."""

    hours: int
    days: int = 0
    fixed: tuple[date, date] | None = None

    @classmethod
    def of(cls, settings: Settings) -> "Windows":
        """As DRIFT_WINDOW_HOURS and DRIFT_REFERENCE say."""
        reference = settings.drift_reference
        if isinstance(reference, int):
            return cls(settings.drift_window_hours, days=reference)
        return cls(settings.drift_window_hours, fixed=reference)

    def current(self, at: datetime) -> Span:
        """From its first hour, which is a whole one, to `at`."""
        begin = at - timedelta(hours=self.hours)
        return begin.replace(minute=0, second=0, microsecond=0), at

    def reference(self, at: datetime) -> Span:
        """Up to the current window, or the fixed days in UTC, the last one included."""
        if self.fixed:
            first, last = (datetime.combine(day, time(), UTC) for day in self.fixed)
            return first, last + timedelta(days=1)
        end = self.current(at)[0]
        return end - timedelta(days=self.days), end
