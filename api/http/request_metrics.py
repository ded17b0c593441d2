"""What is counted of a request, and what its line in the log says beside."""

import time
from collections import Counter
from collections.abc import Iterable
from uuid import UUID

from flask import Response, g, request

from api.state import services
from common.observability.metrics import Metrics
from common.predictions import PredictionRecord
from common.tables import State


def note_answer(response: Response) -> float:
    """Count the request; returns its seconds. Paths that are no route's share one name: callers
    choose them.
    """
    rule = request.url_rule
    method, route = (request.method, rule.rule) if rule else ("other", "none")
    moment = time.monotonic()
    seconds = moment - float(g.get("started", moment))
    metrics = services().metrics
    metrics.requests[method, route, str(response.status_code)].inc()
    metrics.request_seconds[method, route, "yes" if "waited" in g else "no"].observe(seconds)
    return seconds


def note_asked(metrics: Metrics, rows: Iterable[PredictionRecord]) -> None:
    """Predictions were stored; the request's line names them, as the engine's lines do."""
    ids = []
    for row in rows:
        metrics.accepted[row.task, "known" if row.state == State.SUCCEEDED else "queued"].inc()
        ids.append(str(row.id))
    g.asked = {"predictions": ids}


def note_batch(metrics: Metrics, id: UUID, made: Iterable[tuple[UUID, str]]) -> None:
    """A batch was stored; it may hold a thousand predictions, so the line names the batch."""
    for task, count in Counter(task for _, task in made).items():
        metrics.accepted[task, "queued"].inc(count)
    g.asked = {"batch": str(id)}
