"""Thumbnail responses: read from the store, where the engine puts them on the first request."""

from flask import Response, request
from sqlalchemy import bindparam, select

from api.images.response import cache_control
from api.predictions.requests import wait_for
from api.state import read, services
from api.uploads.service import accept_predictions
from common.database.rows import rows_as
from common.database.session import execute
from common.errors import Unavailable
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


def thumbnail_response(image: Image, size: int) -> Response:
    """Return the thumbnail of the image, `size` pixels on its longer side.

    Raises InputFault if the image cannot be decoded, Unavailable if it was not made in time.
    """
    response = Response(mimetype=MEDIA_TYPE)
    tag = f"{image.sha256.hex()[:32]}-{size}-{MAKING}"
    response.set_etag(tag)
    response.headers["Cache-Control"] = cache_control(image)
    if tag not in request.if_none_match:
        response.set_data(_stored(image, size) or _made(image, size))
    response.make_conditional(request)
    return response


def _stored(image: Image, size: int) -> bytes | None:
    try:
        return services().storage.get(thumbnail_key(image.sha256, size))
    except ObjectMissing:
        return None


def _made(image: Image, size: int) -> bytes:
    [row] = wait_for([_find_prediction(image, size) or _create(image, size)], PATIENCE)
    if fault := row.image_fault:
        raise fault
    data = _stored(image, size) if row.state == State.SUCCEEDED else None
    if data is None:
        detail = "The thumbnail is being made; repeat the request."
        raise Unavailable(detail, code="thumbnail_not_ready", retry_after=1)
    return data


def _find_prediction(image: Image, size: int) -> PredictionRecord | None:
    """The prediction that makes this thumbnail for an earlier request, or that failed because of
    the image; otherwise None.
    """
    parameters = {"image": image.id}
    records = read(
        lambda session: rows_as(PredictionRecord, execute(session, PREDICTIONS, parameters)),
    )
    for record in records:
        is_usable = record.state != State.FAILED or record.image_fault
        if record.params["size"] == size and is_usable:
            return record
    return None


def _create(image: Image, size: int) -> PredictionRecord:
    params = CONTRACT.check_params({"size": size})
    task_request = TaskRequest(
        task=CONTRACT.name, params=params, deadline=CONTRACT.deadline, interactive=True
    )
    return accept_predictions(image, [task_request]).predictions[0]
