"""Conditional changes: If-Match and If-None-Match with PUT, PATCH and DELETE (RFC 9110, 13)."""

import threading
from typing import Any

from flask import Flask, Response, current_app, g, request
from flask.globals import request_ctx
from werkzeug.exceptions import HTTPException

from api.http.errors import problem
from common.errors import AfterimageError

METHODS = ("PUT", "PATCH", "DELETE")
LOCKS = 64  # conditional changes of one resource wait for each other, by the hash of its path
PATIENCE = 20.0  # seconds


def register(app: Flask) -> None:
    """Check the preconditions of every change before anything is changed.

    Conditional changes of one resource follow one another, so of two with the same tag one is
    refused. That holds within a process; changes in other processes are seen once they are
    committed.
    """
    locks = [threading.Lock() for _ in range(LOCKS)]

    def check() -> Response | None:
        if request.method not in METHODS or not _is_conditional():
            return None
        lock = locks[hash(request.path) % LOCKS]
        if lock.acquire(timeout=PATIENCE):
            g.precondition_lock = lock
        return None if _holds() else failed()

    def let_others_go(_error: BaseException | None) -> None:
        if lock := g.pop("precondition_lock", None):
            lock.release()

    app.before_request(check)
    app.teardown_request(let_others_go)


def failed() -> Response:
    """The answer to a request whose precondition does not hold."""
    detail = (
        "The resource is not in the state that the precondition names. Get it again, and send its "
        "ETag as If-Match."
    )
    return problem(412, "precondition_failed", detail)


def _is_conditional() -> bool:
    return "If-Match" in request.headers or "If-None-Match" in request.headers


def _holds() -> bool:
    """Whether the resource's current state allows the change.

    True where the caller cannot see the resource: the route itself then says why.
    """
    try:
        tag = _current_tag()
    except (AfterimageError, HTTPException):
        return True
    if "If-Match" in request.headers:
        wanted = request.if_match
        return wanted.star_tag or (tag is not None and wanted.is_strong(tag))
    unwanted = request.if_none_match
    return not (unwanted.star_tag or (tag is not None and unwanted.contains_weak(tag)))


def _current_tag() -> str | None:
    """The ETag that GET gives for this path; None where GET gives none, or is not there.

    Raises what GET raises.
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
