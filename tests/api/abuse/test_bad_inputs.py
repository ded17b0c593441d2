"""What bad requests get, row by row of the specification's list; images are `test_bad_images.py`.

The list is a sample of a rule: no input whatever gets a 5xx, hangs, or leaks what is inside.
"""

import json
import time
from typing import Any

import pytest

from tests.support.abuse.bad_requests import (
    BASE64,
    IMAGES,
    INFERENCE,
    PHOTO,
    PREDICTIONS,
    UNKNOWN,
    Case,
    ask,
    asked,
    check_problem,
    form,
    get,
    post,
)
from tests.support.http.raw import (
    BOUNDARY,
    JPEG,
    JSON,
    MULTIPART,
    chunked,
    exchange,
    file,
    multipart,
    request,
)
from tests.support.http.raw import field as text

MEGABYTE = 1 << 20

NOT_JSON = [
    b"{", b"{'data': 1}", b'{"data": 1,}', b'{"data": "\xff"}', '{"data": "x"}'.encode("utf-16"),
    '{"data": "x"}'.encode("utf-16-le"), '{"data": "x"}'.encode("utf-32"), b"[" * 100_000,
    b'{"a":' * 50_000, b'{"data": NaN}', b'{"data": -Infinity}', b'{"data": 1e400}',
    b'{"data": ' + b"1" * 5000 + b"}", b"\0", b"{}{}", b'{"name": "a\nb", "data": ""}',
]  # fmt: skip
NO_OBJECT = [b"[]", b"null", b'"x"', b"1", b"true"]
UNFIT: list[Any] = [[], "{}", 3]  # where an object is due; null is the same as none
BAD_TEXTS = ["\ud800", "a\udfffb", "nul\0", "bell\x07", "\x7f", "\x85", "line\nend"]

ROWS_1_TO_6 = [
    *(Case(1, post(body), 400, "invalid_json") for body in NOT_JSON),
    *(Case(1, post(body, INFERENCE), 400, "invalid_json") for body in NOT_JSON[:15]),
    *(
        Case(2, post(b"{}", path, headers), 415, "unsupported_media_type")
        for path in (IMAGES, PREDICTIONS)
        for headers in ({"Content-Type": "text/plain"}, {}, {"Content-Type": "\xff"})
    ),
    Case(2, post(b"a=b", IMAGES, {"Content-Type": "application/x-www-form-urlencoded"}), 415),
    *(Case(3, post(b"", path), 400, "body_missing") for path in (IMAGES, PREDICTIONS, INFERENCE)),
    Case(3, post(b" \r\n"), 400, "body_missing"),
    *(Case(4, post(body, p), 422, "invalid") for body in NO_OBJECT for p in (IMAGES, INFERENCE)),
    Case(4, post(b"{}"), 422, "image_missing", "data"),
    Case(4, post(b"{}", INFERENCE), 422, "invalid", "data"),
    Case(4, post(b'{"data": 3}', INFERENCE), 422, "invalid", "data"),
    Case(4, post(b'{"data": 3}'), 422, "invalid", "data"),
    Case(4, post(b'{"data": "", "name": []}'), 422, "invalid", "name"),
    Case(4, post(json.dumps({"data": BASE64, "colour": 1}).encode()), 422, "invalid", "colour"),
    Case(4, post(json.dumps({"data": BASE64, "x" * 90_000: 1}).encode()), 422, "invalid"),
    Case(4, ask(task=...), 422, "invalid", "task"),
    Case(4, ask(task=3), 422, "invalid", "task"),
    Case(4, ask(task=None), 422, "invalid", "task"),
    Case(4, ask(data=...), 422, "image_missing"),
    Case(4, ask(data=..., name="a.jpg", image_id=UNKNOWN), 422, "invalid", "name"),
    *(Case(4, ask(params=bad), 422, "invalid", "params") for bad in UNFIT),
    *(Case(4, ask(metadata=bad), 422, "invalid", "metadata") for bad in UNFIT),
    Case(4, ask(metadata={"a": [[[[[[[[[1]]]]]]]]]}), 422, "invalid", "metadata"),
    Case(4, ask(metadata={"a": list(range(300))}), 422, "invalid", "metadata"),
    Case(4, ask(metadata={"a": "x" * 1001}), 422, "invalid", "metadata"),
    Case(4, ask(visibility="private"), 422, "invalid", "visibility"),
    Case(4, ask(wait=3), 422, "invalid", "wait"),
    Case(4, ask(webhook="ftp://example.org/"), 422, "url_not_allowed", "webhook"),
    Case(4, form(file(PHOTO), text("colour", "red")), 422, "invalid", "colour"),
    Case(4, form(file(PHOTO), *[text("visibility", "public")] * 2), 422, "invalid", "visibility"),
    Case(4, asked(text("params", "{")), 422, "invalid", "params"),
    Case(4, asked(text("params", "[1]")), 422, "invalid", "params"),
    Case(4, asked(text("name", "a")), 422, "invalid", "name"),
    Case(4, post(PHOTO, IMAGES + "?colour=red", JPEG), 422, "invalid", "colour"),
    Case(4, post(PHOTO, IMAGES + "?visibility=me", JPEG), 422, "invalid", "visibility"),
    Case(4, post(PHOTO, PREDICTIONS, JPEG), 422, "invalid", "task"),
    Case(5, ask(metadata={"a": 10**4000}), 422, "invalid", "metadata"),
    *(
        Case(5, asked(text("metadata", f'{{"a": {bad}}}')), 422, "invalid", "metadata")
        for bad in ("NaN", "1e400", "1" * 5000, "[" * 50_000)
    ),
    *(Case(6, ask(task=bad), 422, "invalid", "task") for bad in BAD_TEXTS),
    *(Case(6, ask(visibility=bad), 422, "invalid", "visibility") for bad in BAD_TEXTS),
    *(Case(6, ask(metadata={"a": bad}), 422, "invalid", "metadata") for bad in BAD_TEXTS),
    *(Case(6, ask(metadata={bad: 1}), 422, "invalid", "metadata") for bad in BAD_TEXTS),
    *(Case(6, ask(params={bad: 1}), 422, "params_invalid", "params") for bad in BAD_TEXTS),
    *(Case(6, ask(**{bad: 1}), 422, "invalid") for bad in BAD_TEXTS),
    Case(6, post(json.dumps({"name": "a\0", "data": ""}).encode(), INFERENCE), 422, "", "data"),
]  # fmt: skip

OTHER_ENCODINGS = ("gzip", "br", "deflate", "identity, gzip", "x")
IN_CHUNKS = {"Transfer-Encoding": "chunked"}
BAD_TOKENS = [
    *({"Authorization": f"{kind}{token}"} for kind in ("Bearer ", "bearer ", "Token ")
      for token in ("x", "a.b.c", "e30.e30.", "a b c", "\xff", "x" * 5000)),
    {"Authorization": "Bearer"}, {"X-API-Key": "x"},
]  # fmt: skip
NO_IDS = [
    "x", "1", UNKNOWN, UNKNOWN.upper(), "{" + UNKNOWN + "}", "urn:uuid:" + UNKNOWN,
    UNKNOWN.replace("-", ""), UNKNOWN + "0", "%00", "%ff", "%F0%9F%90%88", "x" * 3000, "..", "*",
]  # fmt: skip
NO_WAITS = ["nan", "inf", "-inf", "-1", "1e9", "30.01", "abc", "%00", "", "0x1", "1_0", "%D9%A3"]

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

ROWS_16_AND_ON = [
    *(
        Case(16, form(*more, path=path), 422, "image_missing")
        for path, more in ((IMAGES, ()), (PREDICTIONS, (text("task", "classify"),)))
    ),
    Case(16, post(b"", IMAGES, MULTIPART), 422, "image_missing", "file"),
    Case(16, form(text("file", "/tmp/a.jpg")), 422, "image_missing", "file"),
    Case(16, form(text("image", "a.jpg"), path=PREDICTIONS), 422, "image_missing", "image"),
    *(
        Case(16, post(multipart(file(PHOTO)), IMAGES, {"Content-Type": kind}), 400, code)
        for kind, code in (
            ("multipart/form-data", "boundary_missing"),
            ("multipart/form-data; boundary=", "boundary_missing"),
            ('multipart/form-data; boundary="', "boundary_missing"),
            ("multipart/form-data; boundary=\xff", "boundary_missing"),
            ("multipart/form-data; boundary=another", "multipart"),
        )
    ),
    *(
        Case(16, post(body, IMAGES, MULTIPART), 400, "multipart")
        for body in (
            multipart(file(PHOTO))[:-30], multipart(file(PHOTO))[:30],
            f"--{BOUNDARY}\r\nX: y\r\n\r\nz\r\n--{BOUNDARY}--\r\n".encode(),
        )
    ),
    Case(16, form(file(b"", file_name="")), 422, "image_empty"),
    Case(16, form(file(PHOTO), *[text(f"field{n}", "") for n in range(200)]), 413, "too_large"),
    Case(17, form(file(PHOTO), file(PHOTO)), 422, "exactly_one_image"),
    Case(17, form(file(PHOTO), file(PHOTO, "image")), 422, "exactly_one_image"),
    Case(17, form(file(PHOTO), text("data", BASE64)), 422, "exactly_one_image"),
    Case(17, ask(image_id=UNKNOWN), 422, "exactly_one_image"),
    Case(17, asked(text("image_id", UNKNOWN)), 422, "exactly_one_image"),
    *(
        Case(28, get(path.format(id=id)), 404, code)
        for path, code in ((IMAGES + "/{id}", "image_not_found"),
                           (IMAGES + "/{id}/content", "image_not_found"),
                           (PREDICTIONS + "/{id}", "prediction_not_found"),
                           ("/predictions/{id}", "prediction_not_found"))
        for id in NO_IDS
    ),
    # The resource that is asked for exists; it is a field of the body that names nothing.
    Case(28, ask(data=..., image_id=UNKNOWN), 422, "image_not_found", "image_id"),
    *(Case(28, ask(data=..., image_id=id), 422, "invalid", "image_id") for id in ("x", 3)),
    Case(28, ask(data=None, image_id=None), 422, "image_missing", "data"),
    *(Case(29, get(f"{PREDICTIONS}/{UNKNOWN}?wait={w}"), 422, "invalid", "wait") for w in NO_WAITS),
    *(
        Case(29, post(PHOTO, f"{path}wait={wait}", JPEG), 422, "invalid", "wait")
        for path in (IMAGES + "?", PREDICTIONS + "?task=classify&")
        for wait in NO_WAITS
    ),
    Case(36, ask(task="dream"), 422, "task_unknown", "task"),
    Case(36, ask(task="CLASSIFY"), 422, "task_unknown", "task"),
    *(
        Case(36, post(PHOTO, f"{IMAGES}?tasks={names}", JPEG), 422, "invalid", "tasks")
        for names in ("dream", "classify,dream", "classify&tasks=dream", ",", "%00", "%ff")
    ),
    Case(36, post(PHOTO, PREDICTIONS + "?task=dream", JPEG), 422, "task_unknown", "task"),
    *(
        Case(36, ask(params=params), 422, "params_invalid", "params")
        for params in ({"k": 1}, {"top_k": "5"}, {"top_k": 0}, {"top_k": 101}, {"top_k": True},
                       {"top_k": 1.5}, {"top_k": 10**30}, {"threshold": -1}, {"threshold": "nan"},
                       {"threshold": True}, {"threshold": 10**4000}, {"colour": None})
    ),
    Case(36, asked(text("params", '{"k": 1}')), 422, "params_invalid", "params"),
]  # fmt: skip


@pytest.mark.parametrize("case", [*ROWS_1_TO_6, *ROWS_7_TO_11, *ROWS_16_AND_ON], ids=str)
def test_a_bad_request_gets_its_answer(url: str, case: Case) -> None:
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
