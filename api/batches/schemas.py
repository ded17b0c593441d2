"""The schemas of batches: request, batch, items and results."""

from typing import Any
from uuid import UUID

from flask import url_for
from marshmallow import Schema, fields, validate

from api.http.fields import Text, WholeNumber
from api.predictions.schemas import PredictionError
from common.batches import MOST_ITEMS, NO_IMAGE, STATUSES, BatchRecord, ItemRecord
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
    # Any value is accepted: an invalid item is stored as rejected.
    "items": {"anyOf": [{"$ref": "#/components/schemas/BatchItemRequest"}, {}]},
    "minItems": 1,
    "maxItems": MOST_ITEMS,
    "description": "Each a `BatchItemRequest`. An invalid item becomes a rejected item with an "
    "error; the others are not affected.",
}
_LINES = {"schema": {"type": "string", "description": "One item per line."}}
BATCH_BODY = {
    "description": "A JSON list of items, an object with `items`, or one line of JSON per item.",
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
    """A task to run on a stored image; its result is returned with the same `custom_id`."""

    custom_id = Text(
        required=True,
        validate=validate.Length(1, 255),
        metadata={
            "description": "Your name for the item, unique in the batch.",
            "example": "cat-1",
        },
    )
    image_id = fields.UUID(required=True)
    task = Text(required=True, metadata={"example": "classify"})
    params = fields.Dict(
        load_default=dict,
        metadata={"description": "The parameters of the task, as `/v1/tasks` lists them."},
    )


class ItemsQuery(Schema):
    """The query of a page of items."""

    status = fields.String(
        validate=validate.OneOf(STATUSES), metadata={"description": "Only items with this status."}
    )
    limit = WholeNumber(load_default=100, validate=validate.Range(1, 100))
    cursor = WholeNumber(
        load_default=None, metadata={"description": "`next` of the previous page."}
    )


class BatchUrls(Schema):
    """The URLs of a batch."""

    get = fields.String()
    items = fields.String()
    results = fields.String()
    cancel = fields.String()
    retry = fields.String()


class BatchView(Schema):
    """A batch and its progress."""

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
    """An item of a batch. Fields of a rejected item that could not be read are null."""

    position = fields.Integer(metadata={"description": "Starts at 0."})
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


def view(row: BatchRecord, counts: dict[str, int]) -> dict[str, Any]:
    """A batch as `BatchView`."""
    names = ("get", "items", "results", "cancel", "retry")
    return {
        "id": row.id,
        "status": "in_progress" if any(counts[state] for state in _UNFINISHED) else "finished",
        "total": row.total,
        "counts": counts,
        "created_at": row.created_at,
        "urls": {name: url_for(f"batches.{name}", id=row.id, _external=True) for name in names},
    }


def item_view(row: ItemRecord) -> dict[str, Any]:
    """An item as `BatchItemView`."""
    has_error = row.error_code is not None and row.status != State.SUCCEEDED
    return {
        "position": row.position,
        "custom_id": row.custom_id,
        "task": row.task,
        "image_id": row.image_id,
        "status": row.status,
        "prediction_id": row.prediction_id,
        "error": {"code": row.error_code, "detail": row.error_detail} if has_error else None,
    }


def result_view(row: ItemRecord, is_visible: bool) -> dict[str, Any]:
    """An item with its result, ready to be written as a line of JSON. The result is omitted if the
    caller may no longer see the image.
    """
    shown = item_view(row) | {"result": None}
    if row.result is not None and is_visible:
        shown["result"] = public_result(str(row.task), row.result, row.params or {})
    elif row.result is not None:
        shown["error"] = dict(zip(("code", "detail"), NO_IMAGE, strict=True))
    return {name: str(value) if isinstance(value, UUID) else value for name, value in shown.items()}
