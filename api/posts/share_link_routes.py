"""/v1/posts/{id}/share-links: addresses by which anybody may look at a post for a while."""

from typing import Any

from flask import request
from flask_smorest import Blueprint

from api.accounts.requirements import for_users
from api.http.pagination import listed
from api.http.pagination_schemas import PageQuery
from api.posts import share_links
from api.posts.share_link_schemas import LinkList, LinkRequest, LinkView, view

blueprint = Blueprint(
    "share_links", __name__, url_prefix="/v1/posts/<id>/share-links", description="Share links."
)
BODY = {"required": False, "content": {"application/json": {"schema": LinkRequest}}}


@blueprint.post("")
@for_users
@blueprint.response(201, LinkView)
@blueprint.doc(requestBody=BODY)
def create(id: str) -> Any:
    """Make a link to a post of yours.

    The post itself is public: when the link expires or is revoked, only this address ends, and the
    post stays in `/v1/posts`.
    """
    shown = view(share_links.make(id, request))
    return shown, 201, {"Location": shown["url"]}


@blueprint.get("")
@blueprint.arguments(PageQuery, location="query")
@blueprint.response(200, LinkList)
def index(query: dict[str, Any], id: str) -> Any:
    """The links to a post of yours, the newest first; expired and revoked ones too."""
    rows, after = share_links.page(id, query)
    return listed([view(row) for row in rows], after, query)


@blueprint.delete("/<link_id>")
@blueprint.response(204)
def revoke(id: str, link_id: str) -> None:
    """End a link now. Its post stays public."""
    share_links.revoke(id, link_id)
