"""Errors as answers: one table from error class to status, one body (RFC 9457) for all of them."""

import json
from http import HTTPStatus
from typing import Any

import structlog
from flask import Flask, Response, g, request
from flask_smorest import Api
from marshmallow import ValidationError
from werkzeug.exceptions import HTTPException

from api.http.logged_paths import logged_path
from api.http.problem_schema import Problem
from common.errors import (
    AfterimageError,
    Conflict,
    Forbidden,
    InProgress,
    InputFault,
    LengthRequired,
    Malformed,
    ModelUnavailable,
    NotFound,
    SettingsError,
    TooLarge,
    TooManyRequests,
    Unauthorized,
    Unavailable,
    UnsupportedMedia,
)

log = structlog.get_logger(__name__)
LONGEST_DETAIL = 1_000  # characters; details and errors repeat what was sent
LONGEST_ERRORS = 20_000
MOST_ERRORS = 200
UNUSABLE = "Some fields cannot be used; `errors` says which and why."

STATUS: dict[type[AfterimageError], int] = {  # the nearest class in an error's ancestry counts
    Malformed: 400,
    Unauthorized: 401,
    Forbidden: 403,
    NotFound: 404,
    Conflict: 409,
    InProgress: 409,
    LengthRequired: 411,
    TooLarge: 413,
    UnsupportedMedia: 415,
    InputFault: 422,
    TooManyRequests: 429,
    ModelUnavailable: 503,
    Unavailable: 503,
    AfterimageError: 500,
}
CODES = {  # what Flask and Werkzeug answer by themselves
    400: "malformed",
    404: "not_found",
    405: "method_not_allowed",
    413: "too_large",
    415: "unsupported_media_type",
    422: "invalid",
    500: "internal",
}
TITLES = {413: "Content Too Large", 422: "Unprocessable Content"}  # their names in RFC 9110


class ProblemApi(Api):  # type: ignore[misc]
    """flask-smorest, speaking RFC 9457 in its answers and in the OpenAPI page."""

    ERROR_SCHEMA = Problem

    def handle_http_exception(self, error: HTTPException) -> Response:
        """What Flask, Werkzeug and webargs raise."""
        return _from_http(error)

    def _openapi_json(self) -> Response:
        """The API's description; its server is where it was asked for, path prefix included."""
        servers = [{"url": request.script_root or "/"}]
        text = json.dumps(self.spec.to_dict() | {"servers": servers}, indent=2)
        return Response(text, mimetype="application/json")

    def _register_responses(self) -> None:
        self.DEFAULT_RESPONSE_CONTENT_TYPE = "application/problem+json"
        super()._register_responses()
        del self.DEFAULT_RESPONSE_CONTENT_TYPE  # the class's own again, for answers that are fine


def register(app: Flask) -> None:
    """Answer our own errors and defects; ProblemApi answers Werkzeug's."""
    app.register_error_handler(AfterimageError, answer_of)
    app.register_error_handler(ValidationError, _from_validation)
    app.register_error_handler(Exception, _from_defect)


def problem(
    status: int,
    code: str,
    detail: str,
    errors: dict[Any, Any] | None = None,
    headers: Any = None,
) -> Response:
    """An `application/problem+json` answer."""
    body = {
        "type": "about:blank",
        "title": TITLES.get(status) or HTTPStatus(status).phrase,
        "status": status,
        "code": code,
        "detail": detail[:LONGEST_DETAIL],
        "instance": request.script_root + request.path,
        "request_id": g.get("request_id", ""),
    }
    if errors:
        body["errors"] = _listed(errors)
    # A lone surrogate, sent as an escape in JSON, is nothing that every reader can take back.
    text = json.dumps(body, ensure_ascii=False).encode("utf-8", "replace")
    return Response(text, status, headers, content_type="application/problem+json")


def _listed(errors: dict[Any, Any]) -> dict[Any, Any]:
    """Return the errors, or a sentence instead of more than can be read: they repeat what was sent,
    so they are counted before they are written.
    """
    todo, seen = [errors], 0
    while todo and seen <= MOST_ERRORS:
        inner = todo.pop()
        seen += len(inner)
        if seen <= MOST_ERRORS:
            todo += [each for each in inner.values() if isinstance(each, dict)]
    if seen <= MOST_ERRORS and len(json.dumps(errors)) <= LONGEST_ERRORS:
        return errors
    return {"_schema": ["too many, or too long, to be listed"]}


def answer_of(error: AfterimageError) -> Response:
    """One of our own errors as an answer."""
    if isinstance(error, SettingsError):
        return _from_defect(error)
    status, headers = described(error)
    return problem(status, error.code, error.detail, error.errors, headers)


def described(error: AfterimageError) -> tuple[int, dict[str, str]]:
    """The status and the headers that tell of an error, whatever the body."""
    status = next(STATUS[kind] for kind in type(error).__mro__ if kind in STATUS)
    headers = {}
    if isinstance(error, Unavailable | TooManyRequests):
        headers["Retry-After"] = str(error.retry_after)
    if isinstance(error, Unauthorized):
        # RFC 6750: who has sent no token is told of no fault in it.
        why = ', error="invalid_token"' if error.code == Unauthorized.default_code else ""
        headers["WWW-Authenticate"] = f'Bearer realm="afterimage"{why}'
    return status, headers


def _from_validation(error: ValidationError) -> Response:
    return problem(422, "invalid", UNUSABLE, error.normalized_messages())


def _from_http(error: HTTPException) -> Response:
    status = error.code or 500
    said: dict[str, Any] = getattr(error, "data", None) or {}
    # webargs sorts what is wrong by where it stood: the routes only use it for the query.
    errors = said.get("messages", {}).get("query") or said.get("errors")
    detail = UNUSABLE if errors else error.description or ""
    headers = [(k, v) for k, v in error.get_headers() if k.lower() != "content-type"]
    return problem(status, CODES.get(status, "error"), detail, errors, headers)


def _from_defect(error: Exception) -> Response:
    if isinstance(error, HTTPException):
        return _from_http(error)
    log.error("unhandled error", path=logged_path(request.path), exc_info=error)
    return problem(500, "internal", "An unexpected error; the service's log says more.")
