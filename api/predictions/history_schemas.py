"""The list of all that was asked: how it is asked for and shown."""

from typing import Any

from marshmallow import Schema, fields, validate
from sqlalchemy import Row

from api.http.fields import Text
from api.http.pagination_schemas import NEXT, PageQuery
from api.predictions.schemas import PredictionView, view
from common.callers import Caller
from common.predictions.public_view import is_asker
from common.tables import State
from common.tasks import contracts


class LogQuery(PageQuery):
    """Which predictions."""

    status = fields.String(
        load_default=None, validate=validate.OneOf([str(state) for state in State])
    )
    task = fields.String(load_default=None, validate=validate.OneOf(list(contracts())))
    image_id = fields.UUID(load_default=None)
    user = Text(
        load_default=None,
        validate=validate.Length(1, 160),
        metadata={"description": "For admins, who get everybody's without it."},
    )


class LogEntry(PredictionView):
    """A prediction as it stands in the list of all that was asked."""

    user = fields.String(
        allow_none=True,
        metadata={
            "description": "Who asked; null: an anonymous caller, or another account, whose name "
            "only admins see."
        },
    )
    file_name = fields.String(allow_none=True)


class Log(Schema):
    """A page of what was asked; it may hold less than `limit`, or nothing, and yet have a next."""

    items = fields.List(fields.Nested(LogEntry))
    next = NEXT


def log_view(row: Row[Any], caller: Caller) -> dict[str, Any]:
    """What LogEntry shows to the caller; a refused file's name is in the row's own metadata."""
    told = view(row, caller)
    refused = (told["metadata"] or {}).get("file_name") if row.image_id is None else None
    user = row.user_name if is_asker(caller, row) else None
    return {**told, "user": user, "file_name": row.file_name or refused}
