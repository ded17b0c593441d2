"""The request log and the request metrics: one log line and one count per request."""

import re
import time
from collections import Counter
from collections.abc import Iterable
from hashlib import sha256
from uuid import UUID

import structlog
from flask import Response, g, request

from api.state import current_user, services
from common.observability.metrics import Metrics
from common.predictions import PredictionRecord
from common.tables import State

log = structlog.get_logger(__name__)

PROBES = ("/healthz", "/readyz", "/metrics")
DIGEST_DIGITS = 12  # hexadecimal
ID = re.compile(r"[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}", re.IGNORECASE)
SLUG = re.compile(r"(?<=^/s/)[^/]+")


def log_request(response: Response) -> None:
    """Count the request, and log it in one line; probes are logged at level debug."""
    seconds = count_request(response)
    account = current_user().id
    (log.debug if request.path in PROBES else log.info)(
        "request",
        method=request.method,
        path=logged_path(request.path),
        status=response.status_code,
        ms=round(seconds * 1e3, 1),
        address=request.remote_addr,
        **({"account": str(account)} if account else {}),
        **g.get("created", {}),
    )


def count_request(response: Response) -> float:
    """Count the request in the metrics; return its duration in seconds.

    Paths that match no route share one label, since callers choose them.
    """
    rule = request.url_rule
    method, route = (request.method, rule.rule) if rule else ("other", "none")
    now = time.monotonic()
    seconds = now - float(g.get("started", now))
    metrics = services().metrics
    metrics.requests[method, route, str(response.status_code)].inc()
    metrics.request_seconds[method, route, "yes" if "waited" in g else "no"].observe(seconds)
    return seconds


def note_predictions(metrics: Metrics, rows: Iterable[PredictionRecord]) -> None:
    """Count created predictions, and add their ids to the request's log line.

    The engine's log lines name them by the same ids.
    """
    ids = []
    for row in rows:
        metrics.accepted[row.task, "known" if row.state == State.SUCCEEDED else "queued"].inc()
        ids.append(str(row.id))
    g.created = {"predictions": ids}


def note_batch(metrics: Metrics, id: UUID, predictions: Iterable[tuple[UUID, str]]) -> None:
    """Count the predictions (id, task) of a created batch, and add the batch's id to the log line.

    A batch may have a thousand predictions, so the line does not name them.
    """
    for task, count in Counter(task for _, task in predictions).items():
        metrics.accepted[task, "queued"].inc(count)
    g.created = {"batch": str(id)}


def logged_path(path: str) -> str:
    """Return the path with a short SHA-256 digest in place of each id and share link slug.

    Ids and slugs give access to what they name. The same id has the same digest, so an operator
    who knows an id can find its log lines.
    """
    without_ids = ID.sub(lambda match: _digest(match[0].lower()), path)
    return SLUG.sub(lambda match: _digest(match[0]), without_ids)


def _digest(secret: str) -> str:
    return f"~{sha256(secret.encode()).hexdigest()[:DIGEST_DIGITS]}"
