"""Thumbnail responses: read from the store, where the engine puts them on the first request."""

from flask import Response, request
from sqlalchemy import bindparam, select

from api.images.response import cache_control
from api.predictions.requests import wait_for
from api.state import read, services
from api.uploads.service import accept_predictions
from common.database.rows import rows_as
from common.database.session import execute
from common.errors import ModelUnavailable, Unavailable
from common.predictions import PredictionRecord, TaskRequest
from common.predictions.records import COLUMNS
from common.storage import ObjectMissing
from common.tables import Image, Prediction, State
from common.tasks.thumbnail import CONTRACT, MEDIA_TYPE, thumbnail_key

MAKING = "1"  # part of the ETag: raise it when the engine makes thumbnails differently
PATIENCE = 10.0  # seconds that a request waits for a thumbnail
UNFINISHED = (State.QUEUED, State.PROCESSING, State.FAILED)
PREDICTIONS = (
    select(*COLUMNS)
    .where(
        Prediction.image_id == bindparam("image"),
        Prediction.task == CONTRACT.name,
        Prediction.state.in_(UNFINISHED),
    )
    .order_by(Prediction.id)
)


def thumbnail_response(image: Image, size: int, blur: str | None = None) -> Response:
    """Return the thumbnail of the image, `size` pixels on its longer side, with `blur` one that
    hides what it names. A blurred thumbnail is never replaced by another one.

    Raises InputFault if the image cannot be decoded, Unavailable if it was not made in time,
    ModelUnavailable if the model that finds what to hide is not installed.
    """
    response = Response(mimetype=MEDIA_TYPE)
    tag = f"{image.sha256.hex()[:32]}-{size}-{MAKING}" + (f"-{blur}" if blur else "")
    response.set_etag(tag)
    response.headers["Cache-Control"] = cache_control(image)
    if tag not in request.if_none_match:
        response.set_data(_stored(image, size, blur) or _made(image, size, blur))
    response.make_conditional(request)
    return response


def _stored(image: Image, size: int, blur: str | None) -> bytes | None:
    try:
        return services().storage.get(thumbnail_key(image.sha256, size, blur))
    except ObjectMissing:
        return None


def _made(image: Image, size: int, blur: str | None) -> bytes:
    row = _find_prediction(image, size, blur) or _create(image, size, blur)
    [row] = wait_for([row], PATIENCE)
    if fault := row.image_fault:
        raise fault
    data = _stored(image, size, blur) if row.state == State.SUCCEEDED else None
    if data is None:
        if row.error_code == ModelUnavailable.default_code:
            raise ModelUnavailable(row.error_detail or "The faces cannot be found.")
        detail = "The thumbnail is being made; repeat the request."
        raise Unavailable(detail, code="thumbnail_not_ready", retry_after=1)
    return data


def _find_prediction(image: Image, size: int, blur: str | None) -> PredictionRecord | None:
    """The prediction that makes this thumbnail for an earlier request, or that failed because of
    the image; otherwise None.
    """
    parameters = {"image": image.id}
    records = read(
        lambda session: rows_as(PredictionRecord, execute(session, PREDICTIONS, parameters)),
    )
    for record in records:
        is_usable = record.state != State.FAILED or record.image_fault
        params = record.params
        if (params["size"], params.get("blur")) == (size, blur) and is_usable:
            return record
    return None


def _create(image: Image, size: int, blur: str | None) -> PredictionRecord:
    params = CONTRACT.check_params({"size": size} | ({"blur": blur} if blur else {}))
    task_request = TaskRequest(
        task=CONTRACT.name, params=params, deadline=CONTRACT.deadline, interactive=True
    )
    return accept_predictions(image, [task_request]).predictions[0]
