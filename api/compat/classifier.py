"""The classifier's route: a token and a file in, the label of the image out, in one request."""

from typing import Any

import structlog
from flask import Blueprint, Response, jsonify, request

from api.accounts.permissions import require_account
from api.compat.deprecation import say_deprecated
from api.http.body.parser import read_file
from api.http.errors import error_response, status_and_headers
from api.predictions.requests import ask_for, wait_for
from api.predictions.schemas import LONGEST_WAIT
from api.state import app_state, current_user, write
from api.uploads.service import receive
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
from common.predictions.refusals import note_refused
from common.tables import State

log = structlog.get_logger(__name__)
TASK = "classify"
FAILURE = (
    "something went wrong, please check the extension or the validity of the image.More details: {}"
)
NOT_IN_TIME, NOT_MADE, BUSY = 408, 424, 429  # its users know of no 5xx

blueprint = Blueprint("classifier", __name__)
say_deprecated(blueprint)


@blueprint.post("/predict")
@blueprint.post("/predict/")
def predict() -> Any:
    """Its client sends two more files, named `Content-Type` and `filename`; nobody reads them."""
    require_account()
    data, name = read_file(request, "file")
    file_name = clean_file_name(name)
    try:
        task_requests = [ask_for(TASK, interactive=True)]
        accepted = receive(app_state(), data, file_name, None, task_requests)
    except InputFault as error:
        _keep(file_name, error)
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
        return _failure(f"It is still {row.state}, as {row.id}.", NOT_IN_TIME)
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


def _keep(file_name: str, error: InputFault) -> None:
    """Every inference is kept, those too that were none."""
    about = (require_account(), TASK, file_name, error.code, error.detail)
    try:
        write(lambda session: note_refused(session, *about))
    except Unavailable as why:
        log.warning("a refused file was not noted", error=why.detail)
