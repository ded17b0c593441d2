"""The hourly distributions of the features: written by a periodic job, read for comparison.

Functions take the session first and never commit.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from common.database.rows import rows_as
from common.database.session import clock, execute
from common.model_reference import reference_of
from common.observability.drift import bins_of
from common.observability.drift.windows import Windows
from common.tables import DriftSample, Image, Prediction, State
from common.tasks.classify import CONTRACT as CLASSIFY

SAMPLE_SIZE = 2_000  # predictions; a busier hour is represented by its last ones
KEPT = timedelta(days=400)
HOUR = timedelta(hours=1)

_p, _s = Prediction, DriftSample


class ClassifiedImage(NamedTuple):
    """A result of `results_between`; for a deleted image width and height are not known."""

    result: dict[str, Any] | None
    model: dict[str, Any] | None
    started_at: datetime
    width: int | None
    height: int | None


def results_between(
    session: Session, begin: datetime, end: datetime, limit: int
) -> list[ClassifiedImage]:
    """Return the latest results, up to `limit`, of predictions that were started from `begin` until
    before `end`, with their models and the sizes of their images.
    """
    statement = (
        select(_p.result, _p.model, _p.started_at, Image.width, Image.height)
        .outerjoin(Image, Image.id == _p.image_id)
        .where(
            _p.task == CLASSIFY.name,
            # Both values, so that the index over (task, interactive, started_at) can be used.
            _p.interactive.in_([False, True]),
            _p.started_at >= begin,
            _p.started_at < end,
            _p.state == State.SUCCEEDED,
            _p.cached.is_(False),  # a cached result was counted when the model produced it
        )
        .order_by(_p.started_at.desc())
        .limit(limit)
    )
    return rows_as(ClassifiedImage, execute(session, statement))


def reference_name(model: Any) -> str:
    """Return the model's reference, name@version, cut to the column's 255 characters."""
    return reference_of(model)[:255]


def measure_hour(session: Session, hour: datetime) -> int:
    """Replace the samples of the hour that begins at `hour` by the distributions of its results;
    returns the number of results.
    """
    counts: defaultdict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    rows = results_between(session, hour, hour + HOUR, SAMPLE_SIZE)
    for row in rows:
        if row.model and row.result:
            for feature, name in bins_of(row.result, row.width, row.height).items():
                counts[reference_name(row.model), feature][name] += 1
    execute(session, delete(_s).where(_s.hour == hour))
    samples = [
        {"hour": hour, "model": model, "feature": feature, "counts": dict(bins)}
        for (model, feature), bins in counts.items()
    ]
    if samples:
        execute(session, insert(_s), samples)
    return len(rows)


def measure_recent_hours(session: Session) -> int:
    """Sample the previous hour, which is complete, and the current one so far; delete samples that
    are older than KEPT. Returns the number of results.
    """
    current = clock(session).replace(minute=0, second=0, microsecond=0)
    execute(session, delete(_s).where(_s.hour < current - KEPT))
    return sum(measure_hour(session, hour) for hour in (current - HOUR, current))


@dataclass(slots=True)
class FeatureCounts:
    """The counts of one feature of a model's images, in both windows."""

    model: str
    feature: str
    reference: Counter[str]
    current: Counter[str]


def read_counts(session: Session, windows: Windows) -> Iterator[FeatureCounts]:
    """Yield the counts of each feature of each model that has samples in the current window."""
    at = clock(session)
    pairs: dict[tuple[str, str], FeatureCounts] = {}
    for side in ("reference", "current"):
        begin, end = getattr(windows, side)(at)
        samples = select(_s.model, _s.feature, _s.counts).where(_s.hour >= begin, _s.hour < end)
        for row in execute(session, samples):
            key = (row.model, row.feature)
            pair = pairs.setdefault(key, FeatureCounts(*key, Counter(), Counter()))
            getattr(pair, side).update(row.counts)
    return (pair for pair in pairs.values() if pair.current)
