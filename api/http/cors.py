"""Cross-origin requests (the Fetch standard's CORS protocol), off unless origins are set.

Credentials stay off: who signs in sends a token, which a page of another origin must be given.
"""

import re

from flask import Flask, Response, request

from common.settings import Settings

VERBS = "GET, HEAD, POST, PUT, PATCH, DELETE"
MAY_SEND = (
    "Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match, Prefer, X-API-Key, "
    "X-Request-Id"
)
MAY_READ = (
    "Accept-Ranges, Content-Disposition, Content-Range, Deprecation, ETag, Idempotent-Replayed, "
    "Link, Location, Preference-Applied, RateLimit, RateLimit-Policy, Retry-After, "
    "WWW-Authenticate, X-Request-Id"
)
HEADER_NAMES = re.compile(r"[\w!#$%&'*+.^`|~-]+(?:\s*,\s*[\w!#$%&'*+.^`|~-]+)*", re.ASCII)
REMEMBERED = "600"  # seconds that a browser need not ask again


def register(app: Flask, settings: Settings) -> None:
    """Let pages of these origins in; others get no headers, and their browsers refuse."""
    allowed = settings.cors_origins
    if not allowed:
        return

    def answer_preflight() -> Response | None:
        is_preflight = "Access-Control-Request-Method" in request.headers
        return Response(status=204) if request.method == "OPTIONS" and is_preflight else None

    def allow(response: Response) -> Response:
        response.vary.add("Origin")
        origin = request.headers.get("Origin", "").lower()
        if origin and (allowed == ("*",) or origin in allowed):
            _allow(response, "*" if allowed == ("*",) else request.headers["Origin"])
        return response

    app.before_request(answer_preflight)
    app.after_request(allow)


def _allow(response: Response, origin: str) -> None:
    response.headers["Access-Control-Allow-Origin"] = origin
    response.headers["Access-Control-Expose-Headers"] = MAY_READ
    if request.method == "OPTIONS":
        response.headers["Access-Control-Allow-Methods"] = VERBS
        response.headers["Access-Control-Allow-Headers"] = _request_headers()
        response.headers["Access-Control-Max-Age"] = REMEMBERED


def _request_headers() -> str:
    """Return the names of the request headers that a page may send: the documented ones, and those
    that the preflight asks for.

    Upload widgets and tracing libraries add headers of their own (X-Requested-With, Cache-Control,
    traceparent); the service ignores them, and refusing one makes the browser block the request.
    """
    asked = request.headers.get("Access-Control-Request-Headers", "").strip()
    return f"{MAY_SEND}, {asked}" if HEADER_NAMES.fullmatch(asked) else MAY_SEND
