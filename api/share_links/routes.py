"""/v1/posts/{id}/share-links: create, list and revoke; /s/{slug}: the shared post."""

from typing import Any

from flask import Response, make_response, render_template, request
from flask_smorest import Blueprint

from api.accounts.permissions import account_required
from api.http.pagination import page_answer
from api.http.pagination_schemas import PageQuery
from api.posts.schemas import PostView, labels_and_caption
from api.share_links import service
from api.share_links.schemas import LinkList, LinkRequest, LinkView, link_view

blueprint = Blueprint(
    "share_links", __name__, url_prefix="/v1/posts/<id>/share-links", description="Share links."
)
shared_posts = Blueprint("shared", __name__, url_prefix="/s", description="Shared posts.")
BODY = {"required": False, "content": {"application/json": {"schema": LinkRequest}}}
CONTENT = {"application/json": {"schema": PostView}, "text/html": {"schema": {"type": "string"}}}
POST = PostView()


@blueprint.post("")
@account_required
@blueprint.response(201, LinkView)
@blueprint.doc(requestBody=BODY)
def create(id: str) -> Any:
    """Create a share link to a post of yours.

    The post itself is public. When the link expires or is revoked, only the link's address stops
    working; the post stays in `/v1/posts`.
    """
    link = link_view(service.create_link(id, request))
    return link, 201, {"Location": link["url"]}


@blueprint.get("")
@blueprint.arguments(PageQuery, location="query")
@blueprint.response(200, LinkList)
def index(query: dict[str, Any], id: str) -> Any:
    """List the share links of a post of yours, newest first, expired and revoked ones included."""
    return page_answer(service.list_links(id, query), query, link_view)


@blueprint.delete("/<link_id>")
@blueprint.response(204)
def revoke(id: str, link_id: str) -> None:
    """Revoke a share link now. The post stays public."""
    service.revoke_link(id, link_id)


@shared_posts.get("/<slug>")
@shared_posts.response(200, PostView)
@shared_posts.doc(responses={"200": {"description": "OK", "content": CONTENT}})
def page(slug: str) -> Any:
    """Get the post behind a share link, as an HTML page or, if the client prefers it, as JSON.

    The post is also in `/v1/posts`, with or without the link.
    """
    post = service.find_shared_post(slug)
    preferred = request.accept_mimetypes.best_match(["text/html", "application/json"])
    response = _html(post) if preferred == "text/html" else make_response(POST.dump(post))
    response.vary.add("Accept")
    return response


def _html(post: dict[str, Any]) -> Response:
    """Render the page; caches must revalidate it, since the link can be revoked at any time."""
    text = render_template("shared.html", post=post, **labels_and_caption(post))
    return make_response(text, 200, {"Cache-Control": "no-cache"})
