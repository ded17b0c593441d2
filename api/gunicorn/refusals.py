"""Responses to requests that the application never receives, as problem documents (RFC 9457)."""

import json
import re
from http import HTTPStatus

from gunicorn.http.errors import (
    ConfigurationProblem,
    ExpectationFailed,
    LimitRequestHeaders,
    LimitRequestLine,
    ParseException,
)


def problem_response(status: HTTPStatus, code: str, detail: str) -> bytes:
    """Return the bytes of a response with a problem document, after which the connection closes."""
    problem = {
        "type": "about:blank",
        "title": status.phrase,
        "status": status,
        "code": code,
        "detail": detail,
    }
    body = json.dumps(problem)
    return (
        f"HTTP/1.1 {status:d} {status.phrase}\r\nConnection: close\r\n"
        "Content-Type: application/problem+json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n{body}"
    ).encode()


TIMED_OUT = problem_response(
    HTTPStatus.REQUEST_TIMEOUT,
    "request_timeout",
    "The request did not arrive within the time limit. Send it again.",
)


def refusal(error: Exception) -> bytes | None:
    """Return the response to a request that Gunicorn cannot parse; None if the client is not at
    fault.
    """
    if not isinstance(error, ParseException) or isinstance(error, ConfigurationProblem):
        return None
    if isinstance(error, LimitRequestLine):
        detail = "The URL is too long. Send long values in the body."
        return problem_response(HTTPStatus.REQUEST_URI_TOO_LONG, "url_too_long", detail)
    if isinstance(error, LimitRequestHeaders):
        status = HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE
        detail = "The request has too many headers, or one that is too long. Send fewer bytes."
        return problem_response(status, "headers_too_large", detail)
    if isinstance(error, ExpectationFailed):
        detail = "The only expectation that can be met is `100-continue`."
        return problem_response(HTTPStatus.EXPECTATION_FAILED, "expectation_failed", detail)
    # The error's own text would repeat what the client sent.
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", type(error).__name__).lower()
    detail = f"The request is not valid HTTP: {words}."
    return problem_response(HTTPStatus.BAD_REQUEST, "malformed", detail)
