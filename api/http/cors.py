"""Cross-origin requests (the CORS protocol of the Fetch standard), off unless CORS_ORIGINS is set.

Credentials mode stays off: callers authenticate with a token, which a page has to send itself.
"""

import re

from flask import Flask, Response, request

from common.settings import Settings

METHODS = "GET, HEAD, POST, PUT, PATCH, DELETE"
REQUEST_HEADERS = (
    "Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match, Prefer, X-API-Key, "
    "X-Request-Id"
)
RESPONSE_HEADERS = (
    "Accept-Ranges, Content-Disposition, Content-Range, Deprecation, ETag, Idempotent-Replayed, "
    "Link, Location, Preference-Applied, RateLimit, RateLimit-Policy, Retry-After, "
    "WWW-Authenticate, X-Request-Id"
)
HEADER_NAMES = re.compile(r"[\w!#$%&'*+.^`|~-]+(?:\s*,\s*[\w!#$%&'*+.^`|~-]+)*", re.ASCII)
MAX_AGE = "600"  # seconds for which a browser caches the preflight response


def register(app: Flask, settings: Settings) -> None:
    """Add CORS headers to responses for the allowed origins; browsers block all others."""
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
    response.headers["Access-Control-Expose-Headers"] = RESPONSE_HEADERS
    if request.method == "OPTIONS":
        response.headers["Access-Control-Allow-Methods"] = METHODS
        response.headers["Access-Control-Allow-Headers"] = _allowed_headers()
        response.headers["Access-Control-Max-Age"] = MAX_AGE


def _allowed_headers() -> str:
    """Return the request headers that a page may send: the documented and the requested ones.

    Upload widgets and tracing libraries add headers such as X-Requested-With, Cache-Control and
    traceparent. The service ignores them, but the browser would block the request if one of them
    were not allowed.
    """
    requested = request.headers.get("Access-Control-Request-Headers", "").strip()
    return (
        f"{REQUEST_HEADERS}, {requested}" if HEADER_NAMES.fullmatch(requested) else REQUEST_HEADERS
    )
