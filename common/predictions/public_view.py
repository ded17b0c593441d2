"""What is told of a prediction, by every view and by webhooks, and to whom."""

from typing import Any

from sqlalchemy import Row

from common.callers import Caller
from common.tables import Prediction, State
from common.tasks import all_contracts

MODEL = ("name", "version", "sha256")
ASKERS = ("attempts", "timings", "deadline_at")  # told to nobody but the account that asked


def shown(row: Prediction | Row[Any], caller: Caller, is_asked_now: bool = False) -> dict[str, Any]:
    """What the caller is told of a row, without its place in the queue and addresses.

    `metadata` is told to the account that sent it and to admins; an anonymous caller, who cannot
    be recognised later, gets it in the answer to the request that sends it (`is_asked_now`).
    """
    told = everything(row)
    if is_asked_now or is_asker(caller, row):
        return told
    told["metadata"] = None
    if row.owner_id is not None:
        told |= dict.fromkeys(ASKERS)
        told["error"] = told["error"] and told["error"] | {"detail": None}
    return told


def is_asker(caller: Caller, row: Prediction | Row[Any]) -> bool:
    """Whether the caller is the account that asked for the prediction, or an admin."""
    return caller.is_admin or (caller.id is not None and row.owner_id == caller.id)


def everything(row: Prediction | Row[Any]) -> dict[str, Any]:
    """All that can be told of a row: what its webhook and its asker get."""
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
        "timings": timings_of(row),
        "created_at": row.created_at,
        "started_at": row.started_at,
        "finished_at": row.finished_at,
        "deadline_at": row.deadline_at,
    }


def result_of(row: Prediction | Row[Any]) -> dict[str, Any] | None:
    """The result as the task's contract tells it: some of what the row keeps is internal."""
    task = all_contracts().get(row.task)
    if row.result is None or task is None or task.shown is None:
        return row.result
    return task.shown(row.result, row.params)


def timings_of(row: Prediction | Row[Any]) -> dict[str, float]:
    """Seconds by step, with the time in the queue and the time to write the result."""
    measured: dict[str, float] = dict(row.timings or {})
    if row.started_at:
        measured["queue"] = round((row.started_at - row.created_at).total_seconds(), 6)
    if row.started_at and row.finished_at and row.timings:
        whole = (row.finished_at - row.started_at).total_seconds()
        measured["write"] = round(max(0.0, whole - sum(row.timings.values())), 6)
    return measured


def _model(row: Prediction | Row[Any]) -> dict[str, Any] | None:
    """What identifies the model; how it is run here is internal."""
    return row.model and {name: row.model.get(name) for name in MODEL}


def _error(row: Prediction | Row[Any]) -> dict[str, Any] | None:
    """Why it failed, or while it is queued again, why the last attempt failed."""
    if row.error_code is None or row.state == State.SUCCEEDED:
        return None
    return {"code": row.error_code, "detail": row.error_detail}
