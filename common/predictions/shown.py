"""What is told of a prediction, by GET and by webhook alike."""

from typing import Any

from sqlalchemy import Row

from common.tables import Prediction, State
from common.tasks import all_contracts

MODEL = ("name", "version", "sha256")


def shown(row: Prediction | Row[Any]) -> dict[str, Any]:
    """All that is said of a row but its place in the queue and addresses."""
    return {
        "id": row.id,
        "task": row.task,
        "status": row.state,
        "image_id": row.image_id,
        "params": row.params,
        "metadata": row.caller_data,
        "attempts": row.attempts,
        "result": result_of(row),
        "error": _error(row),
        "model": _model(row),
        "cached": row.cached,
        "timings": _timings(row),
        "created_at": row.created_at,
        "started_at": row.started_at,
        "finished_at": row.finished_at,
        "deadline_at": row.deadline_at,
    }


def result_of(row: Prediction | Row[Any]) -> dict[str, Any] | None:
    """As the task's contract tells it: some of what the row keeps is for the house alone."""
    task = all_contracts().get(row.task)
    if row.result is None or task is None or task.shown is None:
        return row.result
    return task.shown(row.result, row.params)


def _model(row: Prediction | Row[Any]) -> dict[str, Any] | None:
    """What names it; how it runs here is the house's business."""
    return row.model and {name: row.model.get(name) for name in MODEL}


def _error(row: Prediction | Row[Any]) -> dict[str, Any] | None:
    """Also while it is queued again: why the last attempt failed."""
    if row.error_code is None or row.state == State.SUCCEEDED:
        return None
    return {"code": row.error_code, "detail": row.error_detail}


def _timings(row: Prediction | Row[Any]) -> dict[str, float]:
    measured: dict[str, float] = dict(row.timings or {})
    if row.started_at:
        measured["queue"] = round((row.started_at - row.created_at).total_seconds(), 6)
    if row.started_at and row.finished_at and row.timings:
        whole = (row.finished_at - row.started_at).total_seconds()
        measured["write"] = round(max(0.0, whole - sum(row.timings.values())), 6)
    return measured
