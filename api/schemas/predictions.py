"""Predictions: what may be asked, and the row as it is answered."""

from typing import Any

from flask import url_for
from marshmallow import Schema, fields, validate
from sqlalchemy import Row

from api.schemas.fields import Attachment, Seconds, Text, Visible
from common.tables import Prediction, State
from common.tasks import contracts

LONGEST_WAIT = 30  # seconds


class PredictionRequest(Schema):
    """A task to be done on an image: one stored already, or one that comes along."""

    task = Text(required=True, metadata={"example": "classify"})
    image_id = fields.UUID(metadata={"description": "A stored image; or send one along."})
    params = fields.Dict(
        load_default=dict, metadata={"description": "As the task's contract says."}
    )
    metadata = Attachment(
        allow_none=True, load_default=None, metadata={"description": "Yours; given back unread."}
    )
    visibility = Visible()


class WaitQuery(Schema):
    """How long to wait for the result."""

    wait = Seconds(
        load_default=0,
        validate=validate.Range(0, LONGEST_WAIT),
        metadata={"description": "Seconds to wait for the prediction to finish."},
    )


class PredictionError(Schema):
    """Why a prediction has no result."""

    code = fields.String(metadata={"example": "image_undecodable"})
    detail = fields.String()


class ModelUsed(Schema):
    """The model that made a result."""

    name = fields.String()
    version = fields.String()
    sha256 = fields.String()


class Timings(Schema):
    """Where the time went, in seconds."""

    queue = fields.Float(metadata={"description": "From the request to the last claim."})
    fetch = fields.Float(metadata={"description": "Reading the bytes from the object store."})
    decode = fields.Float(metadata={"description": "From bytes to the model's input."})
    predict = fields.Float(metadata={"description": "In the model; a batch's time is shared out."})
    write = fields.Float(
        metadata={"description": "The rest until the result stood in the database."}
    )


class Urls(Schema):
    """Where to go on."""

    get = fields.String()
    image = fields.String(allow_none=True)


class PredictionView(Schema):
    """A prediction as it stands."""

    id = fields.UUID()
    task = fields.String()
    status = fields.String(validate=validate.OneOf([str(state) for state in State]))
    image_id = fields.UUID(allow_none=True)
    params = fields.Dict()
    metadata = fields.Dict(allow_none=True)
    attempts = fields.Integer()
    result = fields.Raw(
        allow_none=True,
        metadata={
            "description": "As the task's contract says; null while there is none.",
            "type": "object",
            "nullable": True,
            "oneOf": [
                {"$ref": f"#/components/schemas/{each.result.__name__}"}
                for each in contracts().values()
            ],
        },
    )
    error = fields.Nested(PredictionError, allow_none=True)
    model = fields.Nested(ModelUsed, allow_none=True)
    timings = fields.Nested(Timings)
    created_at = fields.DateTime(format="iso")
    started_at = fields.DateTime(format="iso", allow_none=True)
    finished_at = fields.DateTime(format="iso", allow_none=True)
    deadline_at = fields.DateTime(format="iso")
    urls = fields.Nested(Urls)


def view(row: Prediction | Row[Any]) -> dict[str, Any]:
    """What PredictionView shows of a row."""
    return {
        "id": row.id,
        "task": row.task,
        "status": row.state,
        "image_id": row.image_id,
        "params": row.params,
        "metadata": row.caller_data,
        "attempts": row.attempts,
        "result": row.result,
        "error": _error(row),
        "model": row.model,
        "timings": _timings(row),
        "created_at": row.created_at,
        "started_at": row.started_at,
        "finished_at": row.finished_at,
        "deadline_at": row.deadline_at,
        "urls": _urls(row),
    }


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


def _urls(row: Prediction | Row[Any]) -> dict[str, str | None]:
    image = url_for("images.get", id=row.image_id, _external=True) if row.image_id else None
    return {"get": url_for("predictions.get", id=row.id, _external=True), "image": image}
