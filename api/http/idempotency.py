"""Idempotency-Key: a POST that is repeated with its key gets the first answer and has no effect.

The row of the key is inserted in the transaction that creates the rows of the request. Whatever
fails after its COMMIT, the next request with the key finds what was created.
"""

import hashlib
import json
import re
from collections.abc import Callable
from functools import wraps
from typing import Any
from uuid import UUID

import structlog
from flask import Response, g, make_response, request

from api.http import idempotency_store
from api.http.idempotency_store import Answered, Key
from api.predictions.queries import check_visible
from api.state import caller_network, current_user, read, write
from common.errors import Malformed, Unavailable

log = structlog.get_logger(__name__)

HEADER = "Idempotency-Key"
REPLAYED = "Idempotent-Replayed"
LONGEST = 255  # characters
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
KEPT_HEADERS = ("Location", "Preference-Applied", "Retry-After", "Content-Type")
PARAMETER = {  # of the OpenAPI page
    "in": "header",
    "name": HEADER,
    "required": False,
    "description": (
        "A unique text for each request that no other caller can guess, such as a UUID. A key "
        "belongs to the account, or to the network of an anonymous caller. For 24 hours, the same "
        "request with the same key has no effect and gets the first answer, with "
        f"`{REPLAYED}: true`; a different request with the key gets 422. While the first request "
        "is being stored, the answer is 409 with `Retry-After`. If it was stored but not answered "
        "(it is waiting, or the service was interrupted), the answer is the current prediction, "
        "after the requested `wait`. Errors are not stored: a rejected request may be repeated "
        "with its key."
    ),
    "schema": {"type": "string", "minLength": 1, "maxLength": LONGEST},
}


def idempotency_key(
    image: bytes | None, file_name: str | None, fields: dict[str, Any]
) -> Key | None:
    """The key of the request, and what an earlier request with it created; None without the header.

    Requests are compared by their parsed contents, because client libraries choose a new multipart
    boundary each time. Raises Malformed for an invalid key, InputFault if the key belongs to a
    different request, Answered if the same request was answered before.
    """
    name = request.headers.get(HEADER)
    if name is None:
        return None
    if not 0 < len(name) <= LONGEST or CONTROL.search(name):
        raise Malformed(
            f"{HEADER} must have 1 to {LONGEST} characters, and no control characters.",
            code="idempotency_key_invalid",
        )
    key = Key(scope_of(current_user().id, caller_network()), name, _hash(image, file_name, fields))
    g.idempotency_key = key
    read(lambda session: idempotency_store.find(session, key))
    return key


def scope_of(account: UUID | None, network: str) -> bytes:
    """The scope of a key as its row stores it: an account, or an anonymous caller's network."""
    who = f"network {network}".encode() if account is None else b"user " + account.bytes
    return hashlib.sha256(who).digest()


def _hash(image: bytes | None, file_name: str | None, fields: dict[str, Any]) -> bytes:
    about = [
        request.method,
        request.path,
        request.query_string.decode("latin-1"),
        request.mimetype,
        file_name,
        fields,
        None if image is None else hashlib.sha256(image).hexdigest(),
    ]
    return hashlib.sha256(json.dumps(about, sort_keys=True).encode()).digest()


def replayable(view: Callable[..., Any]) -> Callable[..., Response]:
    """Store the answers of `view` to requests with a key, and replay them to repeated requests."""

    @wraps(view)
    def once(*args: Any, **options: Any) -> Response:
        try:
            response = make_response(view(*args, **options))
        except Answered as known:
            check_visible(known.resource)
            return _again(known.answer)
        key: Key | None = g.get("idempotency_key")
        if key is not None:
            _keep(key, response)
        return response

    # flask-smorest reads the parameters of one operation here; those of a route would be documented
    # for every method of its path.
    about = once.__dict__.setdefault("_apidoc", {})
    about.setdefault("arguments", {}).setdefault("parameters", []).append(PARAMETER)
    return once


def _keep(key: Key, response: Response) -> None:
    if key.is_replayed:
        response.headers[REPLAYED] = "true"
    if response.status_code >= 400:
        return
    headers = {name: value for name, value in response.headers.items() if name in KEPT_HEADERS}
    body = response.get_data(as_text=True)
    answer = {"status": response.status_code, "headers": headers, "body": body}
    try:
        write(lambda session: idempotency_store.keep(session, key, answer))
    except Unavailable as error:
        # The rows are committed: the next request with the key is answered from them.
        log.warning("an answer was not kept", error=error.detail)


def _again(answer: dict[str, Any]) -> Response:
    response = Response(answer["body"], answer["status"], answer["headers"])
    response.headers[REPLAYED] = "true"
    return response
