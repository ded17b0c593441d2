"""Create, find, list, edit, delete and like posts."""

from collections.abc import Callable
from functools import partial
from typing import Any
from uuid import UUID

from flask import Request
from sqlalchemy.orm import Session

from api.accounts.permissions import find_user, require_account
from api.http.body.parser import check_one_image, read_body, read_fields
from api.http.idempotency import idempotency_key
from api.http.pagination import Page, read_signed_page
from api.posts.queries import POST_TASKS, load_posts
from api.posts.schemas import PostChange, PostRequest
from api.predictions.queries import find_image
from api.predictions.requests import new_task_request
from api.state import current_user, read, write
from api.uploads.service import accept_predictions, accept_upload
from api.webhooks.service import with_webhook
from common import social
from common.database.ids import parse_id
from common.errors import NotFound
from common.social import lists
from common.social.lists import ListCursor
from common.social.posts import LONGEST_TEXT
from common.tables import Image

REQUEST, CHANGE = PostRequest(), PostChange()
MAX_CHANGE_BYTES = 16 * LONGEST_TEXT  # JSON may write one character as two escapes


def create_post(request: Request) -> UUID:
    """Create the post that a request describes, with its image and predictions; return its id.

    Image, predictions and post are inserted in one transaction. Raises InputFault for an invalid
    request, and the errors of `accept_upload`.
    """
    owner = require_account()
    body = read_body(request)
    key = idempotency_key(body.image, body.file_name, body.fields)
    wanted = REQUEST.load(body.fields)
    check_one_image(body, "image_id" in wanted, "one of yours")
    task_requests = [new_task_request(task, fresh=wanted["fresh"]) for task in POST_TASKS]
    task_requests = with_webhook(task_requests, wanted["webhook"])

    def insert_post(session: Session, image: UUID) -> None:
        social.create(session, _post_id_for(task_requests[0].id), owner, image, wanted["text"])

    if body.image is None:
        image = _find_stored_image(wanted["image_id"])
        accepted = accept_predictions(image, task_requests, key, also_insert=insert_post)
    else:
        about = (body.image, body.file_name, wanted["visibility"])
        accepted = accept_upload(*about, task_requests, key, also_insert=insert_post)
    return _post_id_for(accepted.predictions[0].id)


def _post_id_for(prediction: UUID) -> UUID:
    """Return the id of the post whose first prediction has this id.

    The id is derived, so that a replay by idempotency key, or the look-up after an unanswered
    COMMIT, finds the post by its prediction.
    """
    return UUID(int=prediction.int ^ 1)


def _find_stored_image(id: UUID) -> Image:
    try:
        return find_image(str(id))[0]
    except NotFound as error:
        raise social.no_such_image() from error


def find_post(id: str) -> dict[str, Any]:
    """Return the fields of PostView of a post; raises NotFound if the caller cannot see it."""
    post_id = parse_id(id)
    posts = load_posts([post_id]) if post_id else []
    if not posts:
        raise post_not_found()
    return posts[0]


def post_not_found() -> NotFound:
    """Return the error for a post that does not exist, or that the caller may not change."""
    return NotFound("No post with this id exists.", code="post_not_found")


def editable_post(id: str) -> UUID:
    """Return the id of a post that the caller may change: their own, or any post for an admin.

    Raises NotFound for any other post.
    """
    account, post_id = require_account(), parse_id(id)
    if post_id is None:
        raise post_not_found()
    owner = read(partial(social.owner_of, id=post_id))
    if owner is None or not (owner == account or current_user().is_admin):
        raise post_not_found()
    return post_id


def edit_post(id: str, request: Request) -> dict[str, Any]:
    """Change the text of a post; return the post. Raises NotFound."""
    post_id = editable_post(id)
    text = CHANGE.load(read_fields(request, limit=MAX_CHANGE_BYTES))["text"]
    if not write(partial(social.edit, id=post_id, text=text)):
        raise post_not_found()
    return find_post(id)


def delete_post(id: str) -> None:
    """Delete a post; raises NotFound.

    Its likes are deleted first, a limited number in each transaction, since there may be many.
    """
    post_id = editable_post(id)
    while write(lambda session: social.remove_some_likes(session, [post_id])):
        pass
    write(lambda session: social.remove(session, [post_id]))


def like_post(id: str) -> None:
    """Make the caller like a post; raises NotFound. A second like changes nothing."""
    _change_like(id, social.like)


def unlike_post(id: str) -> None:
    """Take back the caller's like of a post; raises NotFound."""
    _change_like(id, social.unlike)


def _change_like(id: str, change: Callable[..., bool]) -> None:
    user, post_id = require_account(), parse_id(id)
    if not (post_id and write(partial(change, post_id=post_id, user_id=user))):
        raise post_not_found()


def list_posts(query: dict[str, Any]) -> Page[dict[str, Any]]:
    """Return the page of posts that a PostsQuery selects."""
    if query["sort"] == "most_liked":
        fetch = partial(lists.most_liked, window=query["window"])
        return _list(query, f"most liked {query['window']}", fetch)
    if query["user"] is None:
        return _list(query, "newest", lists.newest)
    user = find_user(query["user"])
    return _list(query, f"of {user}", partial(lists.of_user, user_id=user))


def list_feed(query: dict[str, Any]) -> Page[dict[str, Any]]:
    """Return a page of posts of the users whom the caller follows."""
    user = require_account()
    return _list(query, f"feed of {user}", partial(lists.feed, user_id=user))


def _list(
    query: dict[str, Any], name: str, fetch: Callable[..., list[ListCursor]]
) -> Page[dict[str, Any]]:
    fetch = partial(fetch, all_accounts=current_user().is_admin)
    page = read_signed_page(query, name, fetch, lambda place: place)
    return Page(load_posts([place.id for place in page.items]), page.next)
