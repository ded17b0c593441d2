"""Request ids, validators and conditional responses, and security headers of every response."""

import re
import time

from flask import Response, g, request
from structlog.contextvars import bind_contextvars, clear_contextvars

from api.http.access_log import log_request
from api.http.preconditions import precondition_failed
from common.database.ids import new_id

CREDENTIAL_HEADERS = ("Authorization", "X-API-Key")  # for Vary: responses depend on them
SAME_FOR_ALL = ("static", "docs.asset", "shared.page")  # endpoints that ignore credentials
NEVER_STORED = ("users", "keys")  # blueprints whose responses hold e-mail addresses or keys
REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")
# Swagger UI uses style attributes and data: images.
PAGE_POLICY = (
    "default-src 'self'; img-src 'self' data: blob:; style-src 'self' 'unsafe-inline'; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'self'"
)
DATA_POLICY = "default-src 'none'; frame-ancestors 'none'"  # for responses that are not HTML


def start_request() -> None:
    """Start the request's clock, and bind its id to its log lines.

    The id is the caller's X-Request-Id if it is valid, or else a new one.
    """
    g.started = time.monotonic()
    given = request.headers.get("X-Request-Id", "")
    g.request_id = given if REQUEST_ID.fullmatch(given) else str(new_id())
    clear_contextvars()  # left from the thread's previous request
    bind_contextvars(request_id=g.request_id)


def finish_request(response: Response) -> Response:
    """Add the headers, replace the response by 304 or 412 if the request asks so, and log it."""
    response = _with_validators(response)
    response.headers.setdefault("X-Request-Id", g.get("request_id", ""))
    _add_security_headers(response)
    log_request(response)
    return response


def _with_validators(response: Response) -> Response:
    """Add ETag, Cache-Control and Vary; return 304 or 412 if the request's conditions ask so."""
    is_read = request.method in ("GET", "HEAD")
    if request.blueprint in NEVER_STORED:
        response.headers.setdefault("Cache-Control", "no-store")
    if is_read and response.status_code == 200 and response.is_json:
        response.add_etag()
        response.headers.setdefault("Cache-Control", "private, no-cache")
        response.make_conditional(request)
    if request.endpoint not in SAME_FOR_ALL:
        response.vary.update(CREDENTIAL_HEADERS)
    if is_read and response.status_code == 412:  # Werkzeug keeps the resource as the body
        response = precondition_failed()
    return response


def _add_security_headers(response: Response) -> None:
    is_page = response.mimetype == "text/html"
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers.setdefault("Content-Security-Policy", PAGE_POLICY if is_page else DATA_POLICY)
    if is_page:
        response.headers["Cross-Origin-Opener-Policy"] = "same-origin"
    if request.is_secure:
        response.headers["Strict-Transport-Security"] = "max-age=31536000"
