"""What the API and webhooks return of a prediction, and to which callers."""

from collections.abc import Mapping
from typing import Any

from common.callers import Caller
from common.predictions.records import PredictionRecord
from common.tables import State
from common.tasks import all_contracts

MODEL_FIELDS = ("name", "version", "sha256")
OWNER_FIELDS = ("attempts", "timings", "deadline_at")  # returned to the owner and to admins only


def to_public(
    record: PredictionRecord, caller: Caller, is_asked_now: bool = False
) -> dict[str, Any]:
    """The fields that the caller may see, without queue position and URLs.

    Only the owner and admins get `metadata`. An anonymous caller cannot be recognized later, so it
    gets `metadata` only in the answer to the request that sent it (`is_asked_now`).
    """
    view = full_view(record)
    if is_asked_now or is_owner(caller, record):
        return view
    view["metadata"] = None
    if record.owner_id is not None:
        view |= dict.fromkeys(OWNER_FIELDS)
        view["error"] = view["error"] and view["error"] | {"detail": None}
    return view


def is_owner(caller: Caller, record: PredictionRecord) -> bool:
    """Whether the caller is the account that requested the prediction, or an admin."""
    return caller.is_admin or (caller.id is not None and record.owner_id == caller.id)


def full_view(record: PredictionRecord) -> dict[str, Any]:
    """All public fields of a prediction: what its owner and its webhook get."""
    return {
        "id": record.id,
        "task": record.task,
        "status": record.state,
        "image_id": record.image_id,
        "params": record.params,
        "metadata": record.caller_data,
        "attempts": record.attempts,
        "result": public_result(record.task, record.result, record.params),
        "error": _error(record),
        "model": _model(record),
        "cached": record.cached,
        "timings": timings_of(record),
        "created_at": record.created_at,
        "started_at": record.started_at,
        "finished_at": record.finished_at,
        "deadline_at": record.deadline_at,
    }


def public_result(
    task: str, result: dict[str, Any] | None, params: Mapping[str, Any]
) -> dict[str, Any] | None:
    """The stored result as the task's contract publishes it; parts of it may be internal."""
    contract = all_contracts().get(task)
    if result is None or contract is None or contract.shown is None:
        return result
    return contract.shown(result, params)


def timings_of(record: PredictionRecord) -> dict[str, float]:
    """Seconds by step: those that the engine measured, plus `queue` (until the last claim) and
    `write` (the rest until the result was stored).
    """
    measured: dict[str, float] = dict(record.timings or {})
    if record.started_at:
        measured["queue"] = round((record.started_at - record.created_at).total_seconds(), 6)
    if record.started_at and record.finished_at and record.timings:
        total = (record.finished_at - record.started_at).total_seconds()
        measured["write"] = round(max(0.0, total - sum(record.timings.values())), 6)
    return measured


def _model(record: PredictionRecord) -> dict[str, Any] | None:
    """The fields that identify the model; its runtime and device are internal."""
    return record.model and {name: record.model.get(name) for name in MODEL_FIELDS}


def _error(record: PredictionRecord) -> dict[str, Any] | None:
    """Why the prediction failed, or, when it is queued again, why its last attempt failed."""
    if record.error_code is None or record.state == State.SUCCEEDED:
        return None
    return {"code": record.error_code, "detail": record.error_detail}
