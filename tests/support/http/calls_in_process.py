"""Calls to the application in the test's own process, by somebody or by nobody."""

from itertools import count
from typing import Any

from flask import Flask
from werkzeug.test import TestResponse

from tests.support.http.accounts import Account
from tests.support.images.pictures import encode, picture

_sizes = count(40)


def photo() -> bytes:
    """An image like no other."""
    return encode(picture("RGB", (next(_sizes), 24)), "PNG")


def call(app: Flask, method: str, path: str, who: Account | None, **options: Any) -> TestResponse:
    """What `who`, or an anonymous caller, is answered."""
    headers = (who.headers if who else {}) | options.pop("headers", {})
    return app.test_client().open(path, method=method, headers=headers, **options)


def upload(
    app: Flask, who: Account | None, data: bytes | None = None, query: str = "", **headers: str
) -> Any:
    """The image as it was answered; `data`: else one like no other."""
    sent = {"data": data or photo(), "content_type": "image/png", "headers": headers}
    answer = call(app, "POST", f"/v1/images?{query}", who, **sent)
    assert answer.status_code in (200, 201), answer.text
    return answer.get_json()


def ask(app: Flask, who: Account | None, image: str, **fields: Any) -> Any:
    """A prediction asked of a stored image, as it was answered."""
    sent = {"task": "classify", "image_id": image, **fields}
    answer = call(app, "POST", "/v1/predictions", who, json=sent)
    assert answer.status_code in (200, 202), answer.text
    return answer.get_json()


def status(app: Flask, method: str, path: str, who: Account | None, **options: Any) -> int:
    return call(app, method, path, who, **options).status_code
