"""People in lists: who follows whom."""

from typing import Any

from marshmallow import Schema, fields
from sqlalchemy import Row

from api.http.pagination_schemas import NEXT


class PersonView(Schema):
    """One of two, of whom one follows the other."""

    name = fields.String(metadata={"example": "anna"})
    since = fields.DateTime(format="iso")


class PersonList(Schema):
    """A page of people."""

    items = fields.List(fields.Nested(PersonView))
    next = NEXT


def view(row: Row[Any]) -> dict[str, Any]:
    """What PersonView shows."""
    return {"name": row.name, "since": row.created_at}
