"""Response schemas of follower lists."""

from typing import Any

from marshmallow import Schema, fields

from api.http.pagination_schemas import NEXT
from common.social.lists import FollowRecord


class FollowView(Schema):
    """A user who follows, or is followed by, the user in the path."""

    name = fields.String(metadata={"example": "anna"})
    since = fields.DateTime(format="iso", metadata={"description": "When the follow began."})


class UserList(Schema):
    """A page of users."""

    items = fields.List(fields.Nested(FollowView))
    next = NEXT


def user_view(row: FollowRecord) -> dict[str, Any]:
    """Return the fields of FollowView from a row."""
    return {"name": row.name, "since": row.created_at}
