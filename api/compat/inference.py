"""The inference service's two routes: upload an image as JSON, read its label by UUID."""

from typing import Any

from flask import Blueprint, request

from api.accounts.permissions import upload_permission_required
from api.compat.deprecation import add_deprecation_headers
from api.compat.schemas import InferenceRequest
from api.http.body.parser import blame, read_json
from api.http.body.reader import read_whole
from api.http.idempotency import idempotency_key, replayable
from api.predictions.queries import find_prediction
from api.predictions.requests import new_task_request
from api.uploads.service import accept_upload
from common.images.validation import decode_base64
from common.predictions import PredictionRecord

LONGEST_LABEL = 50  # characters

blueprint = Blueprint("inference", __name__)
add_deprecation_headers(blueprint)


@blueprint.post("/inference/image")
@blueprint.post("/inference/image/")
@upload_permission_required
@replayable
def infer() -> dict[str, str]:
    """Classify an image and return the id of the prediction.

    Clients send base64 with raw line ends inside the JSON string, with any Content-Type.
    """
    fields = InferenceRequest().load(read_json(read_whole(request), strict=False))
    with blame("data"):
        data = decode_base64(fields["data"])
    key = idempotency_key(data, fields["name"], {})
    task_requests = [new_task_request("classify")]
    accepted = accept_upload(data, fields["name"], None, task_requests, key)
    return {"uuid": str(accepted.predictions[0].id)}


@blueprint.get("/predictions/<id>")
@blueprint.get("/predictions/<id>/")
def prediction(id: str) -> Any:
    """Return the top label and the status.

    `predictoin` is the earlier service's spelling, which its clients read.
    """
    row = find_prediction(id)
    label = _label(row)
    body = {"prediction": label, "predictoin": label, "status": row.state}
    return body, 200, {} if row.is_final else {"Retry-After": "1"}


def _label(row: PredictionRecord) -> str | None:
    """Return the top label, `error: <code>` for a failed prediction, None while unfinished."""
    if row.result and row.result.get("labels"):
        return str(row.result["labels"][0]["name"])[:LONGEST_LABEL]
    return f"error: {row.error_code}"[:LONGEST_LABEL] if row.is_final else None
