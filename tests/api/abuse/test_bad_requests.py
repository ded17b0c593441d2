"""Requests with a bad length, encoding, path, method or token get a documented answer."""

import pytest

from tests.support.abuse.bad_requests import (
    IMAGES,
    INFERENCE,
    PHOTO,
    PREDICTIONS,
    Case,
    check_case,
    check_problem,
    get,
    post,
)
from tests.support.http.raw import JPEG, JSON, MULTIPART, chunked, exchange, request

MEGABYTE = 1 << 20
OTHER_ENCODINGS = ("gzip", "br", "deflate", "identity, gzip", "x")
IN_CHUNKS = {"Transfer-Encoding": "chunked"}
BAD_TOKENS = [
    *({"Authorization": f"{kind}{token}"} for kind in ("Bearer ", "bearer ", "Token ")
      for token in ("x", "a.b.c", "e30.e30.", "a b c", "\xff", "x" * 5000)),
    {"Authorization": "Bearer"}, {"X-API-Key": "x"},
]  # fmt: skip
ROWS_7_TO_11 = [
    Case(7, post(b"", IMAGES, JPEG | {"Content-Length": "9" * 18}), 413, "too_large"),
    *(
        Case(7, post(chunked([PHOTO]), path, headers | IN_CHUNKS), 411, "length_required")
        for path, headers in ((IMAGES, JPEG), (IMAGES, JSON), (IMAGES, MULTIPART), (INFERENCE, {}))
    ),
    *(
        Case(8, post(PHOTO, path, JPEG | {"Content-Encoding": encoding}), 415, "content_encoding")
        for path in (IMAGES, PREDICTIONS, INFERENCE)
        for encoding in OTHER_ENCODINGS
    ),
    *(
        Case(9, get(path), 404, "not_found")
        for path in ("/nope", "/v1", "/v1/", "/v1/%00", "/static/..%2fapp.py", "/docs/assets/%00",
                     "/docs/assets/..%2f..%2fapp.py", "/v1//tasks", "/predictions/", "/%ff")
    ),
    *(
        Case(9, request(verb, path), 405, "method_not_allowed")
        for verb, path in (("PATCH", IMAGES), ("PUT", IMAGES), ("DELETE", PREDICTIONS + "/x"),
                           ("GET", INFERENCE), ("GET", INFERENCE + "/"), ("POST", "/predictions/x"),
                           ("TRACE", "/"), ("CONNECT", "/"), ("PATCH", "/v1/tasks"),
                           ("BREW", "/healthz"))
    ),
    *(Case(11, get("/v1/tasks", token), 401, "invalid_token") for token in BAD_TOKENS),
    *(
        Case(11, post(PHOTO, path, JPEG | {"Authorization": "Bearer x"}), 401, "invalid_token")
        for path in (IMAGES, PREDICTIONS, INFERENCE)
    ),
]  # fmt: skip


@pytest.mark.parametrize("case", ROWS_7_TO_11, ids=str)
def test_a_bad_request_is_refused(url: str, case: Case) -> None:
    check_case(url, case)


@pytest.mark.parametrize("megabytes", [11, 17, 40])
@pytest.mark.parametrize(
    ("path", "headers"),
    [
        (IMAGES, JPEG), (IMAGES, JSON), (IMAGES, MULTIPART), (INFERENCE, {}),
        (PREDICTIONS + "?task=classify", JPEG), (IMAGES, {"Content-Type": "text/plain"}),
        ("/nope", JPEG), ("/healthz", JPEG),
    ],
)  # fmt: skip
def test_a_client_that_is_still_sending_gets_its_answer(
    url: str, path: str, headers: dict[str, str], megabytes: int
) -> None:
    body = b"\xff\xd8\xff" + bytes(megabytes * MEGABYTE)
    answer = exchange(url, post(body, path, headers))
    said = check_problem(answer, answer.status)
    if path == "/nope":
        assert answer.status == 404
    elif path == "/healthz":
        assert answer.status == 405
    elif headers == {"Content-Type": "text/plain"}:
        assert answer.status == 415
    elif megabytes > 15 or headers == JPEG:
        assert answer.status == 413
        assert "allowed" in said["detail"]
    else:
        assert answer.status in (400, 422), "within the limit of a body, and nonsense"
