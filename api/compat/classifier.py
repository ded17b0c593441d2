"""The classifier service's route: classify an uploaded file in one synchronous request."""

from typing import Any

import structlog
from flask import Blueprint, Response, jsonify, request

from api.accounts.permissions import require_account
from api.compat.deprecation import add_deprecation_headers
from api.http.body.parser import read_file
from api.http.errors import error_response, status_and_headers
from api.predictions.requests import new_task_request, wait_for
from api.predictions.schemas import LONGEST_WAIT
from api.state import current_user, write
from api.uploads.service import accept_upload
from common.errors import (
    AfterimageError,
    InputFault,
    TooManyRequests,
    Unauthorized,
    Unavailable,
)
from common.images.formats import EXTENSIONS, read_header
from common.images.validation import clean_file_name
from common.predictions import PredictionRecord
from common.predictions.refusals import insert_rejected
from common.tables import State

log = structlog.get_logger(__name__)
TASK = "classify"
FAILURE = (
    "something went wrong, please check the extension or the validity of the image.More details: {}"
)
NOT_IN_TIME, NOT_MADE, BUSY = 408, 424, 429  # its clients do not handle 5xx

blueprint = Blueprint("classifier", __name__)
add_deprecation_headers(blueprint)


@blueprint.post("/predict")
@blueprint.post("/predict/")
def predict() -> Any:
    """Classify the file of an authenticated caller and return its top label.

    The original client also sends files named `Content-Type` and `filename`, which are ignored.
    """
    require_account()
    data, name = read_file(request, "file")
    file_name = clean_file_name(name)
    try:
        task_requests = [new_task_request(TASK, interactive=True)]
        accepted = accept_upload(data, file_name, None, task_requests)
    except InputFault as error:
        _record_refusal(file_name, error)
        raise
    [row] = wait_for(accepted.predictions, LONGEST_WAIT)
    return _view(row, data, file_name) if row.state == State.SUCCEEDED else _failed(row)


def _view(row: PredictionRecord, data: bytes, file_name: str) -> dict[str, Any]:
    label = (row.result or {})["labels"][0]
    usual = EXTENSIONS[read_header(data).media_type].removeprefix(".")
    finished_at: Any = row.finished_at
    return {
        "username": current_user().name,
        "filename": file_name,
        "extension": file_name.rpartition(".")[2] if "." in file_name else usual,
        "date": finished_at.replace(tzinfo=None).isoformat(timespec="microseconds"),
        "class_id": label["class_id"],
        "category_name": label["name"],
        "score": round(100 * label["score"]),
        "success": True,
    }


def _failed(row: PredictionRecord) -> tuple[Response, int]:
    if not row.is_final:
        return _failure(f"Prediction {row.id} is still {row.state}.", NOT_IN_TIME)
    return _failure(str(row.error_detail), 422 if row.image_fault else NOT_MADE)


def _failure(why: str, status: int) -> tuple[Response, int]:
    return jsonify(detail=FAILURE.format(why)), status


@blueprint.errorhandler(AfterimageError)
def _refused(error: AfterimageError) -> Any:
    if isinstance(error, Unauthorized | TooManyRequests):
        return error_response(error)
    status, headers = status_and_headers(error)
    answer, status = _failure(error.detail, status if status < 500 else BUSY)
    answer.headers.extend(headers)
    return answer, status


def _record_refusal(file_name: str, error: InputFault) -> None:
    """Record the refused file, because the service's log lists every request of its callers."""
    refusal = (require_account(), TASK, file_name, error.code, error.detail)
    try:
        write(lambda session: insert_rejected(session, *refusal))
    except Unavailable as why:
        log.warning("a refused file was not recorded", error=why.detail)
