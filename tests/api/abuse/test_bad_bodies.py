"""Bodies that are not JSON, or that the schema does not allow, get a documented answer.

No input may get a 5xx, hang, or reveal anything internal; the cases are samples of this rule.
"""

import json
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
    check_case,
    form,
    post,
)
from tests.support.http.raw import JPEG, file
from tests.support.http.raw import field as text

NOT_JSON = [
    b"{", b"{'data': 1}", b'{"data": 1,}', b'{"data": "\xff"}', '{"data": "x"}'.encode("utf-16"),
    '{"data": "x"}'.encode("utf-16-le"), '{"data": "x"}'.encode("utf-32"), b"[" * 100_000,
    b'{"a":' * 50_000, b'{"data": NaN}', b'{"data": -Infinity}', b'{"data": 1e400}',
    b'{"data": ' + b"1" * 5000 + b"}", b"\0", b"{}{}", b'{"name": "a\nb", "data": ""}',
]  # fmt: skip
NO_OBJECT = [b"[]", b"null", b'"x"', b"1", b"true"]
UNFIT: list[Any] = [[], "{}", 3]  # where an object is expected; null counts as absent
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


@pytest.mark.parametrize("case", ROWS_1_TO_6, ids=str)
def test_a_bad_body_is_refused(url: str, case: Case) -> None:
    check_case(url, case)
