"""Idempotency-Key: a POST that is sent again gets the answer of the first one and does no more.

The key's row is written in the transaction that does what is asked, so whatever happens after its
COMMIT, the next request with the key finds what was done.
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
        "A text of your choice, new for each request, that no other caller can guess: a UUID. Keys "
        "belong to the account, or to the network of anonymous callers. Sent again, the same "
        f"request does nothing and gets the first one's answer, with `{REPLAYED}: true`, for 24 "
        "hours. Another request with the key gets 422. While the first one is still being stored, "
        "409 with `Retry-After`; once it is stored and not answered yet (it waits, or the service "
        "was interrupted), the prediction as it stands, after the `wait` that was asked for. "
        "Refusals are not kept: a request that was refused may be sent again with its key."
    ),
    "schema": {"type": "string", "minLength": 1, "maxLength": LONGEST},
}


def key_of(image: bytes | None, file_name: str | None, fields: dict[str, Any]) -> Key | None:
    """The request's key, with what stands under it; None without the header.

    What was sent is compared as it was understood, because client libraries draw a new multipart
    boundary each time. Raises Malformed for a key that is none, InputFault for another request's,
    and Answered when there is nothing left to do.
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
    """The owner of a key, as its row stores it: an account, or the network of anonymous callers."""
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
    """Keep the answers that `view` gives to requests with a key, and give them again."""

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

    # Where flask-smorest keeps an operation's own parameters; those it takes with a route would be
    # documented of every verb of its path.
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
        # What was asked for is done: the next request is answered from its rows.
        log.warning("an answer was not kept", error=error.detail)


def _again(answer: dict[str, Any]) -> Response:
    response = Response(answer["body"], answer["status"], answer["headers"])
    response.headers[REPLAYED] = "true"
    return response
