"""The body of every error: `application/problem+json` (RFC 9457)."""

import json
from http import HTTPStatus
from typing import Any

from flask import Response, g, request
from marshmallow import Schema, fields

MAX_DETAIL = 1_000  # characters; details and errors repeat what was sent
MAX_ERRORS_LENGTH = 20_000  # characters
MAX_ERRORS = 200
TITLES = {413: "Content Too Large", 422: "Unprocessable Content"}  # their names in RFC 9110


class Problem(Schema):
    """An error: `code` for programs, `detail` for people, `errors` by field."""

    type = fields.String()
    title = fields.String()
    status = fields.Integer()
    code = fields.String(metadata={"example": "image_truncated"})
    detail = fields.String()
    instance = fields.String()
    request_id = fields.String()
    errors = fields.Dict(metadata={"description": "What is wrong, by the name of the field."})


def problem(
    status: int,
    code: str,
    detail: str,
    errors: dict[Any, Any] | None = None,
    headers: Any = None,
) -> Response:
    """Return an `application/problem+json` response."""
    body = {
        "type": "about:blank",
        "title": TITLES.get(status) or HTTPStatus(status).phrase,
        "status": status,
        "code": code,
        "detail": detail[:MAX_DETAIL],
        "instance": request.script_root + request.path,
        "request_id": g.get("request_id", ""),
    }
    if errors:
        body["errors"] = _limited(errors)
    # Errors may repeat a lone surrogate, sent as an escape in JSON, which UTF-8 cannot encode.
    text = json.dumps(body, ensure_ascii=False).encode("utf-8", "replace")
    return Response(text, status, headers, content_type="application/problem+json")


def _limited(errors: dict[Any, Any]) -> dict[Any, Any]:
    """Return the errors, or one sentence if they are too many or too long.

    They repeat what was sent, so they are counted before they are serialized.
    """
    todo, count = [errors], 0
    while todo and count <= MAX_ERRORS:
        inner = todo.pop()
        count += len(inner)
        if count <= MAX_ERRORS:
            todo += [each for each in inner.values() if isinstance(each, dict)]
    if count <= MAX_ERRORS and len(json.dumps(errors)) <= MAX_ERRORS_LENGTH:
        return errors
    return {"_schema": ["too many errors to list"]}
