"""Predictions: what may be asked, and the row as it is answered."""

from typing import Any

from flask import url_for
from marshmallow import Schema, fields, validate

from api.http.fields import Attachment, FreshFlag, Number, Seconds, Text, VisibilityField
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
    """The time that the caller gives a prediction."""

    def __init__(self) -> None:
        super().__init__(
            validate=validate.Range(SHORTEST_DEADLINE, LONGEST_DEADLINE),
            metadata={
                "description": "Seconds after which nobody wants the result any more; "
                "without it, what the task's contract says."
            },
        )


class PredictionRequest(RequestSchema):
    """A task to be done on an image: one stored already, or one that comes along."""

    task = Text(required=True, metadata={"example": "classify"})
    image_id = fields.UUID(metadata={"description": "A stored image; or send one along."})
    params = fields.Dict(
        load_default=dict, metadata={"description": "As the task's contract says."}
    )
    metadata = Attachment(
        allow_none=True,
        load_default=None,
        metadata={
            "description": "Yours; given back unread, to you alone. An anonymous caller gets it in "
            "this request's answer and by webhook."
        },
    )
    visibility = VisibilityField()
    deadline = Deadline()
    fresh = FreshFlag()
    webhook = WebhookField()
    model = ModelField()


class WaitQuery(Schema):
    """How long to wait for the result."""

    wait = Seconds(
        load_default=0,
        validate=validate.Range(0, LONGEST_WAIT),
        metadata={"description": "Seconds to wait for the prediction to finish."},
    )


class CreateQuery(WaitQuery):
    """How to ask."""

    fresh = FreshFlag()


class RetryQuery(Schema):
    """How long the next try may take."""

    deadline = Seconds(
        validate=validate.Range(SHORTEST_DEADLINE, LONGEST_DEADLINE),
        metadata={"description": "Seconds from now; without it, what the task's contract says."},
    )


class PredictionError(Schema):
    """Why a prediction has no result."""

    code = fields.String(metadata={"example": "image_undecodable"})
    detail = fields.String(
        allow_none=True, metadata={"description": "Null where another account asked."}
    )


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


class QueuePlace(Schema):
    """A place in the queue, and how long it will take by what the engines have done lately."""

    position = fields.Integer(metadata={"description": "1: the next in turn."})
    seconds = fields.Float(
        allow_none=True,
        metadata={"description": "Until its turn; null while there is nothing to tell it from."},
    )


class Urls(Schema):
    """Where to go on."""

    get = fields.String()
    image = fields.String(allow_none=True)
    cancel = fields.String(
        allow_none=True,
        metadata={"description": "POST cancels it. Null once it is final, and for all others."},
    )


class PredictionView(Schema):
    """A prediction as it stands."""

    id = fields.UUID()
    task = fields.String()
    status = fields.String(validate=validate.OneOf([str(state) for state in State]))
    image_id = fields.UUID(allow_none=True)
    params = fields.Dict()
    metadata = fields.Dict(
        allow_none=True, metadata={"description": "As you sent it; null for all others."}
    )
    attempts = fields.Integer(
        allow_none=True, metadata={"description": "Null where another account asked."}
    )
    result = fields.Raw(
        allow_none=True,
        metadata={
            "description": "As the task's contract says; null while there is none.",
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
        metadata={"description": "The result was known: the same was asked of the same bytes."}
    )
    timings = fields.Nested(
        Timings, allow_none=True, metadata={"description": "Null where another account asked."}
    )
    created_at = fields.DateTime(format="iso")
    started_at = fields.DateTime(format="iso", allow_none=True)
    finished_at = fields.DateTime(format="iso", allow_none=True)
    deadline_at = fields.DateTime(
        format="iso",
        allow_none=True,
        metadata={"description": "Null where another account asked."},
    )
    queue = fields.Nested(
        QueuePlace,
        allow_none=True,
        metadata={"description": "Of a queued prediction; null otherwise, and in an image's list."},
    )
    urls = fields.Nested(Urls)


def view(
    record: PredictionRecord,
    caller: Caller,
    position: QueuePosition | None = None,
    is_asked_now: bool = False,
) -> dict[str, Any]:
    """The PredictionView of a record for the caller, with its queue position if that is given.

    `is_asked_now` is True in the answer to the request that created the prediction.
    """
    return {
        **to_public(record, caller, is_asked_now),
        "queue": _queue(position),
        "urls": _urls(record, is_asked_now or may_act_on(caller, record)),
    }


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
