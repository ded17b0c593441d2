"""The list of all that was asked: how it is asked for and shown."""

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


def log_view(entry: HistoryEntry, caller: Caller) -> dict[str, Any]:
    """The LogEntry of a prediction for the caller. A rejected upload has no image: its file name is
    in the prediction's own metadata.
    """
    shown = view(entry, caller)
    rejected = (shown["metadata"] or {}).get("file_name") if entry.image_id is None else None
    user = entry.user_name if is_owner(caller, entry) else None
    return {**shown, "user": user, "file_name": entry.file_name or rejected}
