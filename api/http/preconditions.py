"""Conditional changes: If-Match and If-None-Match with PUT, PATCH, DELETE (RFC 9110, sec. 13)."""

import threading
from typing import Any

from flask import Flask, Response, current_app, g, request
from flask.globals import request_ctx
from werkzeug.exceptions import HTTPException

from api.http.problems import problem
from common.errors import AfterimageError

METHODS = ("PUT", "PATCH", "DELETE")
LOCKS = 64  # the hash of a path selects the lock of its conditional changes
LOCK_SECONDS = 20.0  # to wait for a lock


def register(app: Flask) -> None:
    """Check the precondition of every change before the change begins.

    Conditional changes of one resource are serialized, so that of two with the same ETag one is
    refused. This holds within one process. Changes by other processes count once they are
    committed.
    """
    locks = [threading.Lock() for _ in range(LOCKS)]

    def check() -> Response | None:
        if request.method not in METHODS or not _is_conditional():
            return None
        lock = locks[hash(request.path) % LOCKS]
        if lock.acquire(timeout=LOCK_SECONDS):
            g.precondition_lock = lock
        return None if _holds() else precondition_failed()

    def release(_error: BaseException | None) -> None:
        if lock := g.pop("precondition_lock", None):
            lock.release()

    app.before_request(check)
    app.teardown_request(release)


def precondition_failed() -> Response:
    """Return the response to a request whose precondition is false."""
    detail = (
        "The resource has changed: its ETag does not match the precondition. GET it again and send "
        "its new ETag as If-Match."
    )
    return problem(412, "precondition_failed", detail)


def _is_conditional() -> bool:
    return "If-Match" in request.headers or "If-None-Match" in request.headers


def _holds() -> bool:
    """Return whether the precondition holds for the current state of the resource.

    Returns True if the caller cannot see the resource: the route then returns the error.
    """
    try:
        tag = _current_tag()
    except (AfterimageError, HTTPException):
        return True
    if "If-Match" in request.headers:
        tags = request.if_match
        return tags.star_tag or (tag is not None and tags.is_strong(tag))
    tags = request.if_none_match
    return not (tags.star_tag or (tag is not None and tags.contains_weak(tag)))


def _current_tag() -> str | None:
    """Return the ETag of GET on this path, or None if the path has no GET or GET has no ETag.

    Raises the errors of GET.
    """
    adapter = request_ctx.url_adapter
    try:
        endpoint, arguments = adapter.match(method="GET") if adapter else ("", {})
    except HTTPException:
        return None
    view: Any = current_app.view_functions[endpoint]
    response = current_app.make_response(current_app.ensure_sync(view)(**arguments))
    if response.status_code != 200 or not response.is_json:
        return None
    response.add_etag()
    return response.get_etag()[0]
