"""How a body is read: complete, within a limit, and in time."""

from io import BytesIO

import pytest
from flask import Request

from api.http.body.reader import read_whole
from common.errors import Malformed, TooLarge


def request_with(body: bytes, length: int | None = None, **environ: str) -> Request:
    given: dict[str, object] = {
        "REQUEST_METHOD": "POST",
        "CONTENT_LENGTH": str(len(body) if length is None else length),
        "wsgi.input": BytesIO(body),
        "wsgi.input_terminated": True,
    }
    return Request(given | environ)


def test_a_route_may_set_a_limit_of_its_own() -> None:
    assert read_whole(request_with(b"12345"), limit=5) == b"12345"
    with pytest.raises(TooLarge, match="At most 5 bytes"):
        read_whole(request_with(b"123456"), limit=5)


def test_a_refused_body_is_not_read() -> None:
    request = request_with(b"123456")
    with pytest.raises(TooLarge):
        read_whole(request, limit=5)
    assert request.environ["wsgi.input"].read() == b"123456"


def test_a_body_that_ends_early_is_refused() -> None:
    with pytest.raises(Malformed, match="Content-Length"):
        read_whole(request_with(b"123", length=5), limit=5)
