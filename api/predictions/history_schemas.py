"""The query parameters and the items of lists of predictions."""

from typing import Any

from marshmallow import Schema, fields, validate

from api.http.fields import Text
from api.http.pagination_schemas import NEXT, PageQuery
from api.predictions.history import HistoryEntry
from api.predictions.schemas import PredictionView, view
from common.callers import Caller
from common.predictions.public_view import is_owner
from common.tables import State
from common.tasks import contracts


class LogQuery(PageQuery):
    """The predictions to list."""

    status = fields.String(
        load_default=None, validate=validate.OneOf([str(state) for state in State])
    )
    task = fields.String(load_default=None, validate=validate.OneOf(list(contracts())))
    image_id = fields.UUID(load_default=None)
    user = Text(
        load_default=None,
        validate=validate.Length(1, 160),
        metadata={
            "description": "Only those of this user. Admins get those of all users without it."
        },
    )


class LogEntry(PredictionView):
    """A prediction in a list, with its owner's name and its image's file name."""

    user = fields.String(
        allow_none=True,
        metadata={
            "description": "Name of the owner; null for an anonymous one, and for other accounts "
            "unless you are an admin."
        },
    )
    file_name = fields.String(allow_none=True)


class Log(Schema):
    """A page of predictions, which may have fewer than `limit` items and still have `next`."""

    items = fields.List(fields.Nested(LogEntry))
    next = NEXT


def log_view(entry: HistoryEntry, caller: Caller) -> dict[str, Any]:
    """The LogEntry of a prediction for the caller. A rejected upload has no image: its file name is
    in the prediction's own metadata.
    """
    shown = view(entry, caller)
    rejected = (shown["metadata"] or {}).get("file_name") if entry.image_id is None else None
    user = entry.user_name if is_owner(caller, entry) else None
    return {**shown, "user": user, "file_name": entry.file_name or rejected}
