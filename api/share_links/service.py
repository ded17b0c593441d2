"""Create, list and revoke the share links of a post; find the post behind a share link."""

from functools import partial
from typing import Any

from flask import Request

from api.accounts.permissions import require_account
from api.http.body.parser import read_fields
from api.http.pagination import Page, by_id, read_signed_page
from api.posts.queries import load_posts
from api.posts.service import editable_post, post_not_found
from api.share_links.schemas import LinkRequest
from api.state import read, write
from common.database.ids import new_id, parse_id
from common.errors import NotFound
from common.social import share_links
from common.social.share_links import LinkRecord

REQUEST = LinkRequest()


def create_link(post_id: str, request: Request) -> LinkRecord:
    """Create a share link to a post of the caller; raises NotFound for any other post."""
    post = editable_post(post_id)
    seconds = REQUEST.load(read_fields(request, may_be_empty=True))["expires_in"]
    link = write(
        partial(
            share_links.create,
            id=new_id(),
            post_id=post,
            owner_id=require_account(),
            seconds=seconds,
        ),
    )
    if link is None:
        raise post_not_found()
    return link


def list_links(post_id: str, query: dict[str, Any]) -> Page[LinkRecord]:
    """Return a page of the share links of a post of the caller.

    Raises NotFound for any other post.
    """
    post = editable_post(post_id)
    fetch = partial(share_links.list_links, post_id=post)
    return read_signed_page(query, f"links of {post}", fetch, by_id)


def revoke_link(post_id: str, link_id: str) -> None:
    """Revoke a share link of a post of the caller; raises NotFound if there is no such link."""
    post, link = editable_post(post_id), parse_id(link_id)
    is_revoked = link and write(partial(share_links.revoke, post_id=post, id=link))
    if not is_revoked:
        raise NotFound("The post has no share link with this id.", code="share_link_not_found")


def find_shared_post(slug: str) -> dict[str, Any]:
    """Return the fields of PostView of the post behind a share link.

    Raises NotFound if the link is unknown, expired or revoked.
    """
    post = read(partial(share_links.find_post, slug=slug))
    posts = load_posts([post]) if post else []
    if not posts:
        raise NotFound(
            "This share link is unknown, expired or revoked.", code="share_link_not_found"
        )
    return posts[0]
