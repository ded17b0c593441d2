"""/v1/search, similar images and copies: search by a text, a stored image, an uploaded image."""

from collections.abc import Callable
from typing import Any

from flask import request, url_for
from flask_smorest import Blueprint

from api.accounts.permissions import account_required, upload_permission_required
from api.http.body.parser import Body, read_body, required_image
from api.http.openapi import SIMILAR_BODY
from api.http.pagination import next_link, page_answer
from api.http.pagination_schemas import PageQuery as ListQuery
from api.http.problems import Problem
from api.images.schemas import ImageFields
from api.predictions.queries import find_image
from api.predictions.requests import new_task_request
from api.search import copy_groups
from api.search.schemas import (
    CopyGroupList,
    CopyList,
    FoundList,
    PageQuery,
    SearchQuery,
    copies_view,
    group_view,
    view,
)
from api.search.service import find, find_copies, find_similar, page_of, search, wait_until_done
from api.state import current_user
from api.uploads.service import accept_upload
from common.predictions import PredictionRecord

blueprint = Blueprint("search", __name__, url_prefix="/v1", description="Searches.")
FIELDS = ImageFields(only=["visibility"])
NOT_READY = "Not finished in time: send the request again"
UNFINISHED = "Too many requests wait already: get the results at `next`"


@blueprint.get("/search")
@blueprint.arguments(SearchQuery, location="query")
@blueprint.response(200, FoundList)
@blueprint.alt_response(202, schema=FoundList, description=UNFINISHED)
@blueprint.alt_response(503, schema=Problem, description=NOT_READY)
def by_text(query: dict[str, Any]) -> Any:
    """Search public images and the caller's own by a text."""
    record, start = find(current_user(), query)
    arguments = query | {"query": record.params.get("query")}
    return _answer(record, start, "search.by_text", arguments)


@blueprint.get("/images/<id>/similar")
@blueprint.arguments(PageQuery, location="query")
@blueprint.response(200, FoundList)
@blueprint.alt_response(202, schema=FoundList, description=UNFINISHED)
@blueprint.alt_response(503, schema=Problem, description=NOT_READY)
def by_image(query: dict[str, Any], id: str) -> Any:
    """Find the images that look like a stored one."""
    record, start = find_similar(current_user(), find_image(id)[0], query.get("cursor"))
    return _answer(record, start, "search.by_image", query | {"id": id})


@blueprint.get("/images/<id>/duplicates")
@blueprint.arguments(PageQuery, location="query")
@blueprint.response(200, CopyList)
@blueprint.alt_response(202, schema=CopyList, description=UNFINISHED)
@blueprint.alt_response(503, schema=Problem, description=NOT_READY)
def copies(query: dict[str, Any], id: str) -> Any:
    """Find copies of a stored image: same bytes, encoded anew, resized or slightly cropped."""
    record, start = find_copies(current_user(), find_image(id)[0], query.get("cursor"))
    return _answer(record, start, "search.copies", query | {"id": id}, copies_view)


@blueprint.get("/duplicates")
@account_required
@blueprint.arguments(ListQuery, location="query")
@blueprint.response(200, CopyGroupList)
def groups(query: dict[str, Any]) -> Any:
    """List the groups of copies among my images, the most recent group first."""
    found, pending = copy_groups.page(query)
    body, status, headers = page_answer(found, query, group_view)
    detail = copy_groups.detail_of(found.items, pending)
    return body | {"pending": pending, "detail": detail}, status, headers


@blueprint.post("/images/similar")
@upload_permission_required
@blueprint.arguments(PageQuery(only=["limit"]), location="query")
@blueprint.response(200, FoundList)
@blueprint.alt_response(202, schema=FoundList, description=UNFINISHED)
@blueprint.alt_response(503, schema=Problem, description=NOT_READY)
@blueprint.doc(requestBody=SIMILAR_BODY)
def by_upload(query: dict[str, Any]) -> Any:
    """Upload an image, as to `/v1/images`, and find the images that look like it."""
    id = _upload(read_body(request, ignored=["limit"]))
    record = search(current_user(), {"image_id": id})
    body, status, headers = _answer(record, 0, "search.by_image", query | {"id": id})
    return body, status, headers | {"Location": url_for("images.get", id=id)}


def _upload(body: Body) -> str:
    image = required_image(body)
    visibility = FIELDS.load(body.fields)["visibility"]
    task_requests = [new_task_request("embed", interactive=True)]
    accepted = accept_upload(image, body.file_name, visibility, task_requests)
    wait_until_done(accepted.predictions)
    return str(accepted.image)


def _answer(
    record: PredictionRecord,
    start: int,
    endpoint: str,
    arguments: dict[str, Any],
    view: Callable[..., dict[str, Any]] = view,
) -> Any:
    """The answer with the page of a search that begins with the result number `start`."""
    page = page_of(current_user(), record, start, arguments["limit"])
    headers = next_link(page.next, endpoint, arguments)
    if record.result is None:
        return view(record, page), 202, headers | {"Retry-After": "1"}
    return view(record, page), 200, headers
