"""What every request and every answer carries: request id, ETag, safety headers."""

import re
import time

import structlog
from flask import Response, g, request
from structlog.contextvars import bind_contextvars, clear_contextvars

from api.http.logged_paths import logged_path
from api.http.preconditions import failed
from api.http.request_metrics import note_answer
from api.state import current_user
from common.database.ids import new_id

log = structlog.get_logger(__name__)

DEPENDS_ON = ("Authorization", "X-API-Key")  # what answers differ by
FOR_EVERYBODY = ("static", "docs.asset", "shared.page")
NEVER_STORED = ("users", "keys")  # e-mail addresses and keys; the blueprints' names
PROBES = ("/healthz", "/readyz", "/metrics")
REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")
# Swagger UI sets styles in attributes and shows data: images.
POLICY = (
    "default-src 'self'; img-src 'self' data: blob:; style-src 'self' 'unsafe-inline'; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'self'"
)
NOTHING = "default-src 'none'; frame-ancestors 'none'"  # of what is no page: it loads nothing


def _with_validators(response: Response) -> Response:
    """Say who may keep the answer and how it is compared; 304 or 412 where the request asks so."""
    readable = request.method in ("GET", "HEAD")
    if request.blueprint in NEVER_STORED:
        response.headers.setdefault("Cache-Control", "no-store")
    if readable and response.status_code == 200 and response.is_json:
        response.add_etag()
        response.headers.setdefault("Cache-Control", "private, no-cache")
        response.make_conditional(request)
    if request.endpoint not in FOR_EVERYBODY:
        response.vary.update(DEPENDS_ON)
    if readable and response.status_code == 412:  # what was asked for is still in it
        response = failed()
    return response


def take_request_id() -> None:
    """The caller's X-Request-Id where it is a sane one, else one of ours; logs carry it."""
    g.started = time.monotonic()
    given = request.headers.get("X-Request-Id", "")
    g.request_id = given if REQUEST_ID.fullmatch(given) else str(new_id())
    clear_contextvars()  # the thread has served others
    bind_contextvars(request_id=g.request_id)


def _account() -> dict[str, str]:
    id = current_user().id
    return {"account": str(id)} if id else {}


def finish(response: Response) -> Response:
    """Add the headers, answer 304 where the caller has it already, and log one line."""
    response = _with_validators(response)
    response.headers.setdefault("X-Request-Id", g.get("request_id", ""))
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "no-referrer"
    is_page = response.mimetype == "text/html"
    response.headers.setdefault("Content-Security-Policy", POLICY if is_page else NOTHING)
    if is_page:
        response.headers["Cross-Origin-Opener-Policy"] = "same-origin"
    if request.is_secure:
        response.headers["Strict-Transport-Security"] = "max-age=31536000"
    seconds = note_answer(response)
    # Probes come every few seconds for ever.
    (log.debug if request.path in PROBES else log.info)(
        "request",
        method=request.method,
        path=logged_path(request.path),
        status=response.status_code,
        ms=round(seconds * 1e3, 1),
        address=request.remote_addr,
        **_account(),
        **g.get("asked", {}),
    )
    return response
