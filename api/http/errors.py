"""Errors as responses: one table from error class to status, one body (RFC 9457) for all."""

import json
from typing import Any

import structlog
from flask import Flask, Response, request
from flask_smorest import Api
from marshmallow import ValidationError
from werkzeug.exceptions import HTTPException

from api.http.access_log import logged_path
from api.http.problems import Problem, problem
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
INVALID_FIELDS = "Some fields are invalid. `errors` lists them with the reasons."

STATUS: dict[
    type[AfterimageError], int
] = {  # the first entry in the error's method resolution order applies
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
CODES = {  # for the errors of Flask and Werkzeug
    400: "malformed",
    404: "not_found",
    405: "method_not_allowed",
    413: "too_large",
    415: "unsupported_media_type",
    422: "invalid",
    500: "internal",
}


class ProblemApi(Api):  # type: ignore[misc]
    """flask-smorest's Api with RFC 9457 in its responses and in the OpenAPI document."""

    ERROR_SCHEMA = Problem

    def handle_http_exception(self, error: HTTPException) -> Response:
        """Return the response to an exception of Flask, Werkzeug or webargs."""
        return _from_http(error)

    def _openapi_json(self) -> Response:
        """Return the OpenAPI document; its server URL is the path prefix of this request."""
        servers = [{"url": request.script_root or "/"}]
        text = json.dumps(self.spec.to_dict() | {"servers": servers}, indent=2)
        return Response(text, mimetype="application/json")

    def _register_responses(self) -> None:
        self.DEFAULT_RESPONSE_CONTENT_TYPE = "application/problem+json"
        super()._register_responses()
        del self.DEFAULT_RESPONSE_CONTENT_TYPE  # the default of the class again, for successes


def register(app: Flask) -> None:
    """Register the handlers of our errors and of bugs; ProblemApi handles those of Werkzeug."""
    app.register_error_handler(AfterimageError, error_response)
    app.register_error_handler(ValidationError, _from_validation)
    app.register_error_handler(Exception, _from_bug)


def error_response(error: AfterimageError) -> Response:
    """Return the response to one of our errors."""
    if isinstance(error, SettingsError):
        return _from_bug(error)
    status, headers = status_and_headers(error)
    return problem(status, error.code, error.detail, error.errors, headers)


def status_and_headers(error: AfterimageError) -> tuple[int, dict[str, str]]:
    """Return the status of an error, and its headers such as Retry-After."""
    status = next(STATUS[kind] for kind in type(error).__mro__ if kind in STATUS)
    headers = {}
    if isinstance(error, Unavailable | TooManyRequests):
        headers["Retry-After"] = str(error.retry_after)
    if isinstance(error, Unauthorized):
        # RFC 6750: the challenge has no error code if the request had no token.
        suffix = ', error="invalid_token"' if error.code == Unauthorized.default_code else ""
        headers["WWW-Authenticate"] = f'Bearer realm="afterimage"{suffix}'
    return status, headers


def _from_validation(error: ValidationError) -> Response:
    return problem(422, "invalid", INVALID_FIELDS, error.normalized_messages())


def _from_http(error: HTTPException) -> Response:
    status = error.code or 500
    data: dict[str, Any] = getattr(error, "data", None) or {}
    # webargs groups errors by their place in the request; routes use it for the query only.
    errors = data.get("messages", {}).get("query") or data.get("errors")
    detail = INVALID_FIELDS if errors else error.description or ""
    headers = [(k, v) for k, v in error.get_headers() if k.lower() != "content-type"]
    return problem(status, CODES.get(status, "error"), detail, errors, headers)


def _from_bug(error: Exception) -> Response:
    if isinstance(error, HTTPException):
        return _from_http(error)
    log.error("unhandled error", path=logged_path(request.path), exc_info=error)
    detail = "An unexpected error occurred. Give the request_id to the operator of this service."
    return problem(500, "internal", detail)
