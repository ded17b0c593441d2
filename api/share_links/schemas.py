"""Request and response schemas of share links."""

from typing import Any

from flask import url_for
from marshmallow import Schema, fields, validate

from api.http.fields import Number
from api.http.pagination_schemas import NEXT
from common.schemas import RequestSchema
from common.social.share_links import DAY, LONGEST, SHORTEST, USUAL, LinkRecord


class LinkRequest(RequestSchema):
    """A new share link."""

    expires_in = Number(
        load_default=USUAL,
        validate=validate.Range(SHORTEST, LONGEST),
        metadata={
            "description": f"Seconds until the link expires: by default {USUAL // DAY} days, at "
            f"most {LONGEST // DAY} days."
        },
    )


class LinkView(Schema):
    """A share link."""

    id = fields.UUID()
    url = fields.String(
        metadata={
            "description": "The address to share. The address expires; the post itself is public "
            "and does not."
        }
    )
    created_at = fields.DateTime(format="iso")
    expires_at = fields.DateTime(format="iso")
    revoked_at = fields.DateTime(format="iso", allow_none=True)


class LinkList(Schema):
    """A page of share links."""

    items = fields.List(fields.Nested(LinkView))
    next = NEXT


def link_view(link: LinkRecord) -> dict[str, Any]:
    """Return the fields of LinkView from a row."""
    return {
        "id": link.id,
        "url": url_for("shared.page", slug=link.slug, _external=True),
        "created_at": link.created_at,
        "expires_at": link.expires_at,
        "revoked_at": link.revoked_at,
    }
