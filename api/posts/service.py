"""Posts at the edge: taken with their image in one transaction, found, listed, changed."""

from collections.abc import Callable
from functools import partial
from typing import Any
from uuid import UUID

from flask import Request
from sqlalchemy.orm import Session

from api.accounts.permissions import find_user, me
from api.http.body.parser import check_one_image, read_body, read_fields
from api.http.idempotency import key_of
from api.http.pagination import page_of
from api.posts.schemas import PostChange, PostRequest
from api.posts.views import ASKED, views
from api.predictions.queries import find_image
from api.predictions.requests import ask_for
from api.state import app_state, current_user, read, write
from api.uploads.service import ask, receive
from api.webhooks.service import with_webhook
from common import social
from common.database.ids import parse_id
from common.errors import NotFound
from common.social import lists
from common.social.lists import ListCursor
from common.social.posts import LONGEST_TEXT
from common.tables import Image

REQUEST, CHANGE = PostRequest(), PostChange()
LONGEST_CHANGE = 16 * LONGEST_TEXT  # bytes: JSON may write a character as two escapes


def take(request: Request) -> UUID:
    """Take the post that a request carries, with its image and what is asked of it; returns its id.

    Raises InputFault for what cannot be posted, and what `receive` raises.
    """
    owner = me()
    body = read_body(request)
    key = key_of(body.image, body.file_name, body.fields)
    wanted = REQUEST.load(body.fields)
    check_one_image(body, "image_id" in wanted, "one of yours")
    task_requests = [ask_for(task, fresh=wanted["fresh"]) for task in ASKED]
    task_requests = with_webhook(task_requests, wanted["webhook"])

    def post(session: Session, image: UUID) -> None:
        social.create(session, _id_beside(task_requests[0].id), owner, image, wanted["text"])

    if body.image is None:
        accepted = ask(app_state(), _stored(wanted["image_id"]), task_requests, key, first=post)
    else:
        about = (body.image, body.file_name, wanted["visibility"])
        accepted = receive(app_state(), *about, task_requests, key, first=post)
    return _id_beside(accepted.predictions[0].id)


def _id_beside(prediction: UUID) -> UUID:
    """The id of the post whose first prediction this is: whoever finds the one, by a key or after a
    COMMIT that was not answered, has found the other.
    """
    return UUID(int=prediction.int ^ 1)


def _stored(id: UUID) -> Image:
    try:
        return find_image(str(id))[0]
    except NotFound as error:
        raise social.no_such_image() from error


def find(id: str) -> dict[str, Any]:
    """What is shown of the post of this id; raises NotFound."""
    key = parse_id(id)
    found = views([key]) if key else []
    if not found:
        raise not_found()
    return found[0]


def not_found() -> NotFound:
    """There is no such post, or it is not the caller's to change."""
    return NotFound("There is no such post.", code="post_not_found")


def of_mine(id: str) -> UUID:
    """The id of a post that the caller may change; raises NotFound for everybody else's."""
    me()
    key = parse_id(id)
    owner = read(partial(social.owner_of, id=key)) if key else None
    if key is None or owner is None or not (owner == me() or current_user().is_admin):
        raise not_found()
    return key


def edit(id: str, request: Request) -> dict[str, Any]:
    """The caller's post with another text."""
    key = of_mine(id)
    text = CHANGE.load(read_fields(request, limit=LONGEST_CHANGE))["text"]
    if not write(partial(social.edit, id=key, text=text)):
        raise not_found()
    return find(id)


def remove(id: str) -> None:
    """Remove the caller's post, after its likes, which may be many, in pieces."""
    key = of_mine(id)
    while write(lambda session: social.forget_some_likes(session, [key])):
        pass
    write(lambda session: social.remove(session, [key]))


def page(query: dict[str, Any]) -> tuple[list[dict[str, Any]], str | None]:
    """Posts as the query wants them, and the next page's cursor."""
    if query["sort"] == "most_liked":
        fetch = partial(lists.most_liked, window=query["window"])
        return _page(query, f"most liked {query['window']}", fetch)
    if query["user"] is None:
        return _page(query, "newest", lists.newest)
    user = find_user(query["user"])
    return _page(query, f"of {user}", partial(lists.of_user, user_id=user))


def feed(query: dict[str, Any]) -> tuple[list[dict[str, Any]], str | None]:
    """Posts of those whom the caller follows."""
    return _page(query, f"feed of {me()}", partial(lists.feed, user_id=me()))


def _page(
    query: dict[str, Any], name: str, fetch: Callable[..., list[ListCursor]]
) -> tuple[list[dict[str, Any]], str | None]:
    fetch = partial(fetch, all_accounts=current_user().is_admin)
    places, after = page_of(query, name, fetch, lambda place: place)
    return views([place.id for place in places]), after
