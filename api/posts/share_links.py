"""Share links at the edge: made, listed and revoked by the post's author, opened by anybody."""

from functools import partial
from typing import Any

from flask import Request
from sqlalchemy import Row

from api.accounts.permissions import me
from api.http.body.parser import read_fields
from api.http.pagination import page_of
from api.posts.service import not_found, of_mine
from api.posts.share_link_schemas import LinkRequest
from api.posts.views import views
from api.state import read, write
from common.database.ids import new_id, parse_id
from common.errors import NotFound
from common.social import share_links
from common.social.lists import ListCursor

REQUEST = LinkRequest()


def make(post_id: str, request: Request) -> Row[Any]:
    """A new link to a post of the caller's."""
    post = of_mine(post_id)
    seconds = REQUEST.load(read_fields(request, may_be_empty=True))["expires_in"]
    about = {"id": new_id(), "post_id": post, "owner_id": me(), "seconds": seconds}
    link = write(partial(share_links.create, **about))
    if link is None:
        raise not_found()
    return link


def page(post_id: str, query: dict[str, Any]) -> tuple[list[Row[Any]], str | None]:
    """The links of a post of the caller's, and the next page's cursor."""
    post = of_mine(post_id)
    fetch = partial(share_links.page, post_id=post)
    return page_of(query, f"links of {post}", fetch, lambda row: ListCursor(0, row.id))


def revoke(post_id: str, link_id: str) -> None:
    """End a link of a post of the caller's; raises NotFound."""
    post, link = of_mine(post_id), parse_id(link_id)
    if not (link and write(partial(share_links.revoke, post_id=post, id=link))):
        raise NotFound("The post has no such link.", code="share_link_not_found")


def opened(slug: str) -> dict[str, Any]:
    """What is shown of the post that the link leads to; raises NotFound when it is good no more."""
    post = read(partial(share_links.post_of, slug=slug))
    if found := views([post]) if post else []:
        return found[0]
    raise NotFound("This link leads nowhere, or no longer.", code="share_link_not_found")
