"""Bad requests as a table: what is sent, and what must come back."""

import base64
import json
import time
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from tests.support.http.raw import JSON, MULTIPART, Answer, exchange, file, multipart, request
from tests.support.http.raw import field as text
from tests.support.images.pictures import encode, picture

IMAGES, PREDICTIONS, INFERENCE = "/v1/images", "/v1/predictions", "/inference/image"
UNKNOWN = "01920000-0000-7000-8000-000000000000"
PHOTO = encode(picture(), "JPEG")
BASE64 = base64.b64encode(PHOTO).decode()
SECRETS = (b"Traceback", b"sqlalchemy", b"SELECT ", b"/work/", b"site-packages", b"werkzeug")


@dataclass(frozen=True)
class Case:
    """A request, and the status, code and blamed field of its answer."""

    row: int
    sent: bytes
    status: int
    code: str = ""
    blamed: str = ""
    number: int = field(default_factory=count(1).__next__)

    def __str__(self) -> str:
        return f"{self.number}-row {self.row}-{self.status} {self.code}"


def post(body: bytes, path: str = IMAGES, headers: dict[str, str] = JSON) -> bytes:
    return request("POST", path, headers, body)


def ask(**fields: Any) -> bytes:
    """A prediction asked for in JSON, on a good image unless another is given."""
    whole = {"task": "classify", "data": BASE64, **fields}
    return post(json.dumps({k: v for k, v in whole.items() if v is not ...}).encode(), PREDICTIONS)


def form(*parts: tuple[str, bytes], path: str = IMAGES) -> bytes:
    return post(multipart(*parts), path, MULTIPART)


def asked(*parts: tuple[str, bytes]) -> bytes:
    """A prediction asked for in a form, on a good image."""
    return form(text("task", "classify"), file(PHOTO), *parts, path=PREDICTIONS)


def get(path: str, headers: dict[str, str] | None = None) -> bytes:
    return request("GET", path, headers)


def check_problem(answer: Answer, status: int) -> dict[str, Any]:
    """The one body for all errors; returns it."""
    assert answer.status == status, (answer.status, answer.body[:500])
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert len(answer.body) < 40_000
    assert not [secret for secret in SECRETS if secret in answer.body]
    said: dict[str, Any] = answer.json()
    assert set(said) - {"errors"} == {
        "type", "title", "status", "code", "detail", "instance", "request_id",
    }  # fmt: skip
    assert said["status"] == status
    assert said["detail"]
    assert said["request_id"] == answer.headers["X-Request-Id"]
    return said


def check_case(url: str, case: Case) -> None:
    """Send the request of `case` and assert that its answer is the documented one, in time."""
    started = time.monotonic()
    answer = exchange(url, case.sent)
    assert time.monotonic() - started < 10
    said = check_problem(answer, case.status)
    assert not case.code or said["code"] == case.code, said
    assert not case.blamed or case.blamed in said["errors"], said
    if case.status == 401:
        assert answer.headers["WWW-Authenticate"].startswith("Bearer ")
    if case.status == 405:
        assert answer.headers["Allow"]
    if case.row == 36:
        assert "classify" in json.dumps(said), "names the known ones"
