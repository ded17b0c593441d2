"""How the features were distributed, hour by hour: written by a chore, read for comparison.

Functions take the session first and never commit.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, bindparam, delete, insert, select
from sqlalchemy.orm import Session

from common.database.session import clock, execute
from common.database.types import Moment
from common.model_reference import reference_of
from common.observability.drift import bins_of
from common.observability.drift.windows import Windows
from common.tables import DriftSample, Image, Prediction, State
from common.tasks.classify import CONTRACT as CLASSIFY

MOST_AN_HOUR = 2_000  # predictions; of a busier hour, its last ones stand for all
KEPT = timedelta(days=400)
HOUR = timedelta(hours=1)

_p, _s = Prediction, DriftSample
MADE = (
    select(_p.result, _p.model, _p.started_at, Image.width, Image.height)
    .outerjoin(Image, Image.id == _p.image_id)
    .where(
        _p.task == CLASSIFY.name,
        # Both values are named so that the index over (task, interactive, started_at) leads there.
        _p.interactive.in_([False, True]),
        _p.started_at >= bindparam("begin", type_=Moment),
        _p.started_at < bindparam("end", type_=Moment),
        _p.state == State.SUCCEEDED,
        _p.cached.is_(False),  # the model saw it once
    )
    .order_by(_p.started_at.desc())
    .limit(bindparam("most"))
)
ENTER = insert(_s)
KNOWN = select(_s.hour, _s.model, _s.feature, _s.counts).where(
    _s.hour >= bindparam("begin", type_=Moment), _s.hour < bindparam("end", type_=Moment)
)


def made_between(session: Session, begin: datetime, end: datetime, most: int) -> Sequence[Row[Any]]:
    """The latest `most` of the results that were made in that time, by model, with image sizes."""
    return execute(session, MADE, {"begin": begin, "end": end, "most": most}).all()


def reference_name(model: Any) -> str:
    """name@version."""
    return reference_of(model)[:255]


def measure_hour(session: Session, hour: datetime) -> int:
    """Write how the features were distributed in the hour from `hour` on, in place of what was
    written before; returns how many predictions that is.
    """
    counts: defaultdict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    rows = made_between(session, hour, hour + HOUR, MOST_AN_HOUR)
    for row in rows:
        if row.model and row.result:
            for feature, name in bins_of(row.result, row.width, row.height).items():
                counts[reference_name(row.model), feature][name] += 1
    execute(session, delete(_s).where(_s.hour == hour))
    written = [
        {"hour": hour, "model": model, "feature": feature, "counts": dict(found)}
        for (model, feature), found in counts.items()
    ]
    if written:
        execute(session, ENTER, written)
    return len(rows)


def measure_lately(session: Session) -> int:
    """The hour before this one, which is complete now, and this one so far."""
    this = clock(session).replace(minute=0, second=0, microsecond=0)
    execute(session, delete(_s).where(_s.hour < this - KEPT))
    return sum(measure_hour(session, hour) for hour in (this - HOUR, this))


@dataclass(slots=True)
class Compared:
    """One model's feature: the counts of either window."""

    model: str
    feature: str
    reference: Counter[str]
    current: Counter[str]


def compared(session: Session, windows: Windows) -> Iterator[Compared]:
    """What was seen in the window and in the reference, for each model that was at work lately."""
    at = clock(session)
    found: dict[tuple[str, str], Compared] = {}
    for side in ("reference", "current"):
        begin, end = getattr(windows, side)(at)
        for row in execute(session, KNOWN, {"begin": begin, "end": end}):
            key = (row.model, row.feature)
            pair = found.setdefault(key, Compared(*key, Counter(), Counter()))
            getattr(pair, side).update(row.counts)
    return (pair for pair in found.values() if pair.current)
