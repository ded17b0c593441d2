"""/v1/search and what looks alike: images by a text, by a stored image, by one that comes along."""

from typing import Any

from flask import request, url_for
from flask_smorest import Blueprint

from api.accounts.permissions import upload_permission_required
from api.http.body.parser import Body, read_body
from api.http.openapi import SIMILAR_BODY
from api.http.problems import Problem
from api.images.schemas import ImageFields
from api.predictions.queries import find_image
from api.predictions.requests import ask_for
from api.search.schemas import FoundList, PageQuery, SearchQuery
from api.search.service import find, find_similar, page_of, search, wait_for_vector
from api.state import app_state, current_user
from api.uploads.service import receive
from common.errors import InputFault

blueprint = Blueprint("search", __name__, url_prefix="/v1", description="Searches.")
FIELDS = ImageFields(only=["visibility"])
NOT_READY = "Not answered in time: ask again"
UNFINISHED = "Too many requests wait already, so this one did not: `next` has the results soon"


@blueprint.get("/search")
@blueprint.arguments(SearchQuery, location="query")
@blueprint.response(200, FoundList)
@blueprint.alt_response(202, schema=FoundList, description=UNFINISHED)
@blueprint.alt_response(503, schema=Problem, description=NOT_READY)
def by_text(query: dict[str, Any]) -> Any:
    """The images that a text asks for: public ones, and the caller's own."""
    caller = current_user()
    row, after = find(caller, query)
    page = page_of(caller, row, after, query["limit"])
    about = query | {"query": row.params.get("query")}
    return page, *_told(row, _next("search.by_text", page, about))


@blueprint.get("/images/<id>/similar")
@blueprint.arguments(PageQuery, location="query")
@blueprint.response(200, FoundList)
@blueprint.alt_response(202, schema=FoundList, description=UNFINISHED)
@blueprint.alt_response(503, schema=Problem, description=NOT_READY)
def by_image(query: dict[str, Any], id: str) -> Any:
    """The images that look like a stored one."""
    caller = current_user()
    row, after = find_similar(caller, find_image(id)[0], query.get("cursor"))
    page = page_of(caller, row, after, query["limit"])
    return page, *_told(row, _next("search.by_image", page, query | {"id": id}))


@blueprint.post("/images/similar")
@upload_permission_required
@blueprint.arguments(PageQuery(only=["limit"]), location="query")
@blueprint.response(200, FoundList)
@blueprint.alt_response(202, schema=FoundList, description=UNFINISHED)
@blueprint.alt_response(503, schema=Problem, description=NOT_READY)
@blueprint.doc(requestBody=SIMILAR_BODY)
def by_upload(query: dict[str, Any]) -> Any:
    """Upload an image, as to `/v1/images`, and get those that look like it."""
    caller = current_user()
    id = _take(read_body(request, ignored=["limit"]))
    row = search(caller, {"image_id": id})
    page = page_of(caller, row, 0, query["limit"])
    headers = {"Location": url_for("images.get", id=id)}
    return page, *_told(row, headers | _next("search.by_image", page, query | {"id": id}))


def _take(body: Body) -> str:
    if body.image is None:
        detail = "There is no image in the request."
        raise InputFault(detail, code="image_missing", errors={body.image_field: [detail]})
    visibility = FIELDS.load(body.fields)["visibility"]
    task_requests = [ask_for("embed", interactive=True)]
    accepted = receive(app_state(), body.image, body.file_name, visibility, task_requests)
    wait_for_vector(accepted.predictions[0])
    return str(accepted.image)


def _told(row: Any, headers: dict[str, str]) -> tuple[int, dict[str, str]]:
    """Status and headers of a page of the search `row`."""
    return (200, headers) if row.result else (202, headers | {"Retry-After": "1"})


def _next(route: str, page: dict[str, Any], query: dict[str, Any]) -> dict[str, str]:
    if not page["next"]:
        return {}
    link = url_for(route, _external=True, **query | {"cursor": page["next"]})
    return {"Link": f'<{link}>; rel="next"'}
