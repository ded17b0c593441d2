"""Share links: for how long, and where they are."""

from typing import Any

from flask import url_for
from marshmallow import Schema, fields, validate
from sqlalchemy import Row

from api.http.fields import Number
from api.http.pagination_schemas import NEXT
from common.schemas import RequestSchema
from common.social.share_links import DAY, LONGEST, SHORTEST, USUAL


class LinkRequest(RequestSchema):
    """How long a link is good for."""

    expires_in = Number(
        load_default=USUAL,
        validate=validate.Range(SHORTEST, LONGEST),
        metadata={
            "description": f"Seconds, by default {USUAL // DAY} days, at most {LONGEST // DAY}."
        },
    )


class LinkView(Schema):
    """A share link."""

    id = fields.UUID()
    url = fields.String(
        metadata={
            "description": "The address to give away. The post itself is public: this address "
            "expires, and hides nothing."
        }
    )
    created_at = fields.DateTime(format="iso")
    expires_at = fields.DateTime(format="iso")
    revoked_at = fields.DateTime(format="iso", allow_none=True)


class LinkList(Schema):
    """A page of share links."""

    items = fields.List(fields.Nested(LinkView))
    next = NEXT


def view(link: Row[Any]) -> dict[str, Any]:
    """What LinkView shows."""
    return {
        "id": link.id,
        "url": url_for("shared.page", slug=link.slug, _external=True),
        "created_at": link.created_at,
        "expires_at": link.expires_at,
        "revoked_at": link.revoked_at,
    }
