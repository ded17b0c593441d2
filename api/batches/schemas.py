"""Batches: what may be asked at once, and how it stands."""

from typing import Any
from uuid import UUID

from flask import url_for
from marshmallow import Schema, fields, validate
from sqlalchemy import Row

from api.http.fields import Text, WholeNumber
from api.predictions.schemas import PredictionError
from common.batches import MOST_ITEMS, NO_IMAGE, STATUSES
from common.predictions.public_view import public_result
from common.schemas import RequestSchema
from common.tables import State

_UNFINISHED = (State.QUEUED, State.PROCESSING)
_ITEM = {
    "custom_id": "cat-1",
    "image_id": "01920000-0000-7000-8000-000000000000",
    "task": "classify",
    "params": {"top_k": 3},
}
_ITEMS = {
    "type": "array",
    # Whatever it is: a bad item becomes one with an error.
    "items": {"anyOf": [{"$ref": "#/components/schemas/BatchItemRequest"}, {}]},
    "minItems": 1,
    "maxItems": MOST_ITEMS,
    "description": "Each as `BatchItemRequest`. One that is not becomes a rejected item, which "
    "says why; the others are not affected.",
}
_LINES = {"schema": {"type": "string", "description": "An item a line."}}
BATCH_BODY = {
    "description": "A JSON list of items, an object that holds it, or a line of JSON an item.",
    "required": True,
    "content": {
        "application/json": {
            "schema": {
                "oneOf": [
                    _ITEMS,
                    {
                        "type": "object",
                        "properties": {"items": _ITEMS},
                        "required": ["items"],
                        "additionalProperties": False,
                    },
                ]
            },
            "example": {"items": [_ITEM]},
        },
        "application/x-ndjson": _LINES,
        "application/jsonl": _LINES,
    },
}


class BatchItemRequest(RequestSchema):
    """A task to be done on a stored image; the result comes back under `custom_id`."""

    custom_id = Text(
        required=True,
        validate=validate.Length(1, 255),
        metadata={"description": "Yours, once in a batch.", "example": "cat-1"},
    )
    image_id = fields.UUID(required=True)
    task = Text(required=True, metadata={"example": "classify"})
    params = fields.Dict(
        load_default=dict, metadata={"description": "As the task's contract says."}
    )


class ItemsQuery(Schema):
    """Which items, and from where on."""

    status = fields.String(
        validate=validate.OneOf(STATUSES), metadata={"description": "Only those of this status."}
    )
    limit = WholeNumber(load_default=100, validate=validate.Range(1, 100))
    cursor = WholeNumber(load_default=None, metadata={"description": "`next` of the page before."})


class BatchUrls(Schema):
    """Where to go on."""

    get = fields.String()
    items = fields.String()
    results = fields.String()
    cancel = fields.String()
    retry = fields.String()


class BatchView(Schema):
    """A batch as it stands."""

    id = fields.UUID()
    status = fields.String(validate=validate.OneOf(["in_progress", "finished"]))
    total = fields.Integer()
    counts = fields.Dict(
        keys=fields.String(),
        values=fields.Integer(),
        metadata={"description": f"Items by status: {', '.join(STATUSES)}."},
    )
    created_at = fields.DateTime(format="iso")
    urls = fields.Nested(BatchUrls)


class BatchItemView(Schema):
    """An item of a batch as it stands. What could not be read of a rejected one is null."""

    position = fields.Integer(metadata={"description": "0: the first one sent."})
    custom_id = fields.String(allow_none=True)
    task = fields.String(allow_none=True)
    image_id = fields.UUID(allow_none=True)
    status = fields.String(validate=validate.OneOf(STATUSES))
    prediction_id = fields.UUID(
        allow_none=True, metadata={"description": "Null when the item was rejected."}
    )
    error = fields.Nested(PredictionError, allow_none=True)


class BatchItemList(Schema):
    """A page of items, in the order they were sent."""

    items = fields.List(fields.Nested(BatchItemView))
    next = fields.String(
        allow_none=True, metadata={"description": "Cursor of the next page; null: the last one."}
    )


def view(row: Row[Any], counts: dict[str, int]) -> dict[str, Any]:
    """What BatchView shows of a batch."""
    names = ("get", "items", "results", "cancel", "retry")
    return {
        "id": row.id,
        "status": "in_progress" if any(counts[state] for state in _UNFINISHED) else "finished",
        "total": row.total,
        "counts": counts,
        "created_at": row.created_at,
        "urls": {name: url_for(f"batches.{name}", id=row.id, _external=True) for name in names},
    }


def item_view(row: Row[Any]) -> dict[str, Any]:
    """What BatchItemView shows of an item."""
    is_wrong = row.error_code is not None and row.status != State.SUCCEEDED
    return {
        "position": row.position,
        "custom_id": row.custom_id,
        "task": row.task,
        "image_id": row.image_id,
        "status": row.status,
        "prediction_id": row.prediction_id,
        "error": {"code": row.error_code, "detail": row.error_detail} if is_wrong else None,
    }


def result_view(row: Row[Any], is_visible: bool) -> dict[str, Any]:
    """A line of a batch's results, ready to be written as JSON; the result of an image that is not
    to be seen any more is not told.
    """
    shown = item_view(row) | {"result": None}
    if row.result is not None and is_visible:
        shown["result"] = public_result(row.task, row.result, row.params)
    elif row.result is not None:
        shown["error"] = dict(zip(("code", "detail"), NO_IMAGE, strict=True))
    return {name: str(value) if isinstance(value, UUID) else value for name, value in shown.items()}
