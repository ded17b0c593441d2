"""Predictions: request bodies, query parameters and responses."""

from datetime import datetime
from typing import Any
from uuid import UUID

from flask import url_for
from marshmallow import Schema, fields, validate

from api.http.fields import Attachment, FreshFlag, Number, Seconds, Text, VisibilityField
from api.languages import label_language
from api.predictions.access import may_act_on
from api.predictions.model_schemas import ModelField
from api.webhooks.schemas import WebhookField
from common.callers import Caller
from common.predictions import PredictionRecord, QueuePosition
from common.predictions.constants import LONGEST_DEADLINE, SHORTEST_DEADLINE
from common.predictions.public_view import to_public
from common.schemas import RequestSchema
from common.tables import State
from common.tasks import contracts

LONGEST_WAIT = 30  # seconds


class Deadline(Number):
    """Seconds within which a prediction must finish."""

    def __init__(self) -> None:
        super().__init__(
            validate=validate.Range(SHORTEST_DEADLINE, LONGEST_DEADLINE),
            metadata={
                "description": "Seconds within which the prediction must finish, or it expires. "
                "Default: the deadline of the task."
            },
        )


class PredictionRequest(RequestSchema):
    """A task to run on a stored image or on an image in the same request."""

    task = Text(required=True, metadata={"example": "classify"})
    image_id = fields.UUID(
        metadata={
            "description": "Id of a stored image. Leave it out if the request contains an image."
        }
    )
    params = fields.Dict(
        load_default=dict, metadata={"description": "Parameters of the task; see its description."}
    )
    metadata = Attachment(
        allow_none=True,
        load_default=None,
        metadata={
            "description": "Any JSON object of yours. It is returned to you alone; an anonymous "
            "caller gets it in the response to this request and by webhook."
        },
    )
    visibility = VisibilityField()
    deadline = Deadline()
    fresh = FreshFlag()
    webhook = WebhookField()
    model = ModelField()


class WaitQuery(Schema):
    """How long the request waits for the result."""

    wait = Seconds(
        load_default=0,
        validate=validate.Range(0, LONGEST_WAIT),
        metadata={"description": "Seconds to wait for the prediction to finish."},
    )
    lang = label_language()


class CreateQuery(WaitQuery):
    """Options of a new prediction."""

    fresh = FreshFlag()


class RetryQuery(Schema):
    """Options of a retry."""

    deadline = Seconds(
        validate=validate.Range(SHORTEST_DEADLINE, LONGEST_DEADLINE),
        metadata={"description": "Seconds from now. Default: the deadline of the task."},
    )


class PredictionError(Schema):
    """Why a prediction has no result."""

    code = fields.String(metadata={"example": "image_undecodable"})
    detail = fields.String(
        allow_none=True, metadata={"description": "Null if it belongs to another account."}
    )


class ModelUsed(Schema):
    """The model that made the result."""

    name = fields.String()
    version = fields.String()
    sha256 = fields.String()


class Timings(Schema):
    """Seconds of each step."""

    queue = fields.Float(metadata={"description": "From the request to the last claim."})
    fetch = fields.Float(metadata={"description": "Reading the bytes from the object store."})
    decode = fields.Float(metadata={"description": "From the bytes to the input of the model."})
    predict = fields.Float(
        metadata={"description": "In the model; the time of a batch is divided among its items."}
    )
    write = fields.Float(metadata={"description": "The rest, until the result was stored."})


class QueuePlace(Schema):
    """A position in the queue, and the waiting time by the recent throughput."""

    position = fields.Integer(metadata={"description": "1: the next to be claimed."})
    seconds = fields.Float(
        allow_none=True,
        metadata={"description": "Estimated seconds until it is claimed; null if unknown."},
    )


class Urls(Schema):
    """URLs of the prediction."""

    get = fields.String()
    image = fields.String(allow_none=True)
    cancel = fields.String(
        allow_none=True,
        metadata={
            "description": "POST cancels it. Null if it is final, or if you may not cancel it."
        },
    )


class PredictionView(Schema):
    """A prediction, as `view` returns it."""

    id = fields.UUID()
    task = fields.String()
    status = fields.String(validate=validate.OneOf([str(state) for state in State]))
    image_id = fields.UUID(allow_none=True)
    params = fields.Dict()
    metadata = fields.Dict(
        allow_none=True, metadata={"description": "As you sent it; null for other callers."}
    )
    attempts = fields.Integer(
        allow_none=True, metadata={"description": "Null if it belongs to another account."}
    )
    result = fields.Raw(
        allow_none=True,
        metadata={
            "description": "The result of the task; see its description. Null until it succeeds.",
            "type": "object",
            "nullable": True,
            "anyOf": [
                {"$ref": f"#/components/schemas/{each.result.__name__}"}
                for each in contracts().values()
            ],
        },
    )
    error = fields.Nested(PredictionError, allow_none=True)
    model = fields.Nested(ModelUsed, allow_none=True)
    cached = fields.Boolean(
        metadata={
            "description": "Whether the result was cached for the same bytes, task and params."
        }
    )
    timings = fields.Nested(
        Timings, allow_none=True, metadata={"description": "Null if it belongs to another account."}
    )
    created_at = fields.DateTime(format="iso")
    started_at = fields.DateTime(format="iso", allow_none=True)
    finished_at = fields.DateTime(format="iso", allow_none=True)
    deadline_at = fields.DateTime(
        format="iso",
        allow_none=True,
        metadata={"description": "Null if it belongs to another account."},
    )
    queue = fields.Nested(
        QueuePlace,
        allow_none=True,
        metadata={"description": "Position of a queued prediction; null otherwise, and in lists."},
    )
    urls = fields.Nested(Urls)

    def dump(self, obj: Any, *, many: bool | None = None) -> Any:
        """Return `obj`, which consists of JSON values already.

        marshmallow's field by field conversion costs as much as finding the prediction's row.
        """
        return obj


def view(
    record: PredictionRecord,
    caller: Caller,
    position: QueuePosition | None = None,
    is_asked_now: bool = False,
) -> dict[str, Any]:
    """The PredictionView of a record for the caller in JSON values, with its queue position if that
    is given.

    `is_asked_now` is True in the answer to the request that created the prediction.
    """
    public = to_public(record, caller, is_asked_now)
    return {
        **{name: _to_json(value) for name, value in public.items()},
        "queue": _queue(position),
        "urls": _urls(record, is_asked_now or may_act_on(caller, record)),
    }


def _to_json(value: Any) -> Any:
    if isinstance(value, UUID):
        return str(value)
    return value.isoformat() if isinstance(value, datetime) else value


def _queue(position: QueuePosition | None) -> dict[str, Any] | None:
    if position is None:
        return None
    seconds = None if position.seconds is None else round(position.seconds, 1)
    return {"position": position.position, "seconds": seconds}


def _urls(record: PredictionRecord, may_cancel: bool) -> dict[str, str | None]:
    image = url_for("images.get", id=record.image_id, _external=True) if record.image_id else None
    cancel = None
    if may_cancel and not record.is_final:
        cancel = url_for("predictions.cancel", id=record.id, _external=True)
    return {
        "get": url_for("predictions.get", id=record.id, _external=True),
        "image": image,
        "cancel": cancel,
    }
