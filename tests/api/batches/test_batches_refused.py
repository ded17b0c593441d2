"""/v1/batches with bad items, junk lines and bodies that are none: what gets which answer."""

import json
from typing import Any

import pytest

from tests.support.abuse.bad_requests import UNKNOWN, check_problem
from tests.support.http.batches import LINES, PNG, done, item, results, send, stored
from tests.support.http.batches import service as service
from tests.support.http.calls import get, post
from tests.support.http.raw import JSON, exchange, request
from tests.support.services.served import stack as stack

BAD: list[tuple[Any, str]] = [
    ({"image_id": UNKNOWN}, "image_not_found"),
    ({"image_id": "x"}, "invalid"),
    ({"image_id": None}, "invalid"),
    ({"image_id": ...}, "invalid"),
    ({"task": "dream"}, "task_unknown"),
    ({"task": "x" * 5000}, "task_unknown"),
    ({"task": "thumbnail"}, "task_unknown"),
    ({"task": 3}, "invalid"),
    ({"task": ...}, "invalid"),
    ({"params": {"top_k": 0}}, "params_invalid"),
    ({"params": {"\ud800": 0}}, "params_invalid"),
    ({"params": {"x" * 90_000: 0}}, "params_invalid"),
    ({"params": {"threshold": [[[[[[[[[[1]]]]]]]]]]}}, "params_invalid"),
    ({"params": []}, "invalid"),
    ({"custom_id": ...}, "invalid"),
    ({"custom_id": ""}, "invalid"),
    ({"custom_id": "x" * 256}, "invalid"),
    ({"custom_id": "nul\0"}, "invalid"),
    ({"custom_id": "\ud800"}, "invalid"),
    ({"custom_id": 3}, "invalid"),
    ({"custom_id": "good"}, "custom_id_taken"),
    ({"colour": "red"}, "invalid"),
    ({"\udfff": 1}, "invalid"),
]
NO_ITEMS: list[Any] = [None, 3, "x", [], [[[[]]]], {}, True, 10**4000]


def test_a_bad_item_never_sinks_the_rest(service: str) -> None:
    image = stored(service)
    bad = [item(image, f"bad {number}") | given for number, (given, _) in enumerate(BAD)]
    bad = [{k: v for k, v in each.items() if v is not ...} for each in bad]
    batch = send(service, [item(image, "good"), *bad, *NO_ITEMS, item(image, "last")])
    rejected = len(BAD) + len(NO_ITEMS)
    assert done(batch) == {"succeeded": 2, "rejected": rejected}
    first, *rows, last = results(batch)
    assert (first["status"], last["status"]) == ("succeeded", "succeeded")
    codes = [row["error"]["code"] for row in rows]
    assert codes == [code for _, code in BAD] + ["invalid"] * len(NO_ITEMS)
    for row in rows:
        assert (row["status"], row["result"], row["prediction_id"]) == ("rejected", None, None)
        assert 0 < len(row["error"]["detail"]) <= 1000
    assert rows[0]["custom_id"] == "bad 0"
    assert "classify" in rows[4]["error"]["detail"], "names the known ones"
    listed = get(batch["urls"]["items"], params={"status": "rejected"}).json()
    assert [each["position"] for each in listed["items"]] == list(range(1, rejected + 1))


def test_a_junk_line_never_sinks_the_rest(service: str) -> None:
    image = stored(service)
    junk = [b"{", b"\xff", b"NaN", b"[" * 100_000, b'{"a":' * 50_000, b'{"a": 1e400}', b"\0",
            b"1" * 5000, b"{}{}", '{"é": 1}'.encode("utf-16-le")]  # fmt: skip
    good = json.dumps(item(image, "good")).encode()
    body = b"\xef\xbb\xbf" + b"\r\n \n\n".join([good, *junk, good.replace(b"good", b"last")])
    batch = post(f"{service}/v1/batches", data=body, headers=LINES).json()
    assert done(batch) == {"succeeded": 2, "rejected": len(junk)}
    first, *rows, last = results(batch)
    assert (first["custom_id"], last["custom_id"]) == ("good", "last")
    assert {row["error"]["code"] for row in rows} == {"invalid_json"}


@pytest.mark.parametrize(
    ("headers", "body", "status", "code"),
    [
        (JSON, b"", 400, "body_missing"),
        (LINES, b" \r\n\n", 400, "body_missing"),
        (JSON, b"{", 400, "invalid_json"),
        (JSON, b"[" * 100_000, 400, "invalid_json"),
        (JSON, b'[{"params": ' + b'{"a":' * 50_000, 400, "invalid_json"),
        (JSON, b"[NaN]", 400, "invalid_json"),
        (JSON, b"[]", 422, "batch_size"),
        (JSON, b'{"items": []}', 422, "batch_size"),
        (JSON, b"[" + b"1," * 1000 + b"1]", 422, "batch_size"),
        (JSON, b'{"items": [' + b"{}," * 9_000 + b"{}]}", 422, "batch_size"),
        (JSON, b'{"items": [' + b"{}," * 100_000 + b"{}]}", 400, "invalid_json"),
        (JSON, b'{"items": [' + b"{}," * 2_000_000 + b"{}]}", 413, "too_large"),
        (LINES, b"{}\n" * 1001, 422, "batch_size"),
        (LINES, b"\n" * 1_000_000 + b"1", 422, "batch_size"),
        (LINES, b"\n" * 10_000_000 + b"1", 413, "too_large"),
        (JSON, b"{}", 422, "invalid"),
        (JSON, b"null", 422, "invalid"),
        (JSON, b"3", 422, "invalid"),
        (JSON, b'{"items": {}}', 422, "invalid"),
        (JSON, b'{"items": [1], "colour": 1}', 422, "invalid"),
        ({"Content-Type": "text/plain"}, b"[1]", 415, "unsupported_media_type"),
        ({}, b"[1]", 415, "unsupported_media_type"),
        ({"Content-Type": "image/png"}, PNG, 415, "unsupported_media_type"),
        (JSON | {"Content-Encoding": "gzip"}, b"[1]", 415, "content_encoding"),
    ],
    ids=str,
)  # fmt: skip
def test_a_body_that_is_no_batch_is_refused(
    url: str, headers: dict[str, str], body: bytes, status: int, code: str
) -> None:
    answer = exchange(url, request("POST", "/v1/batches", headers, body))
    said = check_problem(answer, status)
    assert said["code"] == code
    if status == 422:
        assert "items" in said["errors"]


def test_an_unknown_batch_is_404(url: str) -> None:
    for id in ("x", UNKNOWN, "%00", "x" * 300):
        for verb, path in (("GET", ""), ("GET", "/items"), ("GET", "/results"),
                           ("POST", "/cancel"), ("POST", "/retry")):  # fmt: skip
            sent = request(verb, f"/v1/batches/{id}{path}", {}, b"" if verb == "POST" else None)
            assert check_problem(exchange(url, sent), 404)["code"] == "batch_not_found"


@pytest.mark.parametrize(
    "query",
    ["status=dream", "limit=0", "limit=101", "limit=x", "limit=1_0", "cursor=-1", "cursor=x",
     "cursor=%00", "limit=9999999999999"],
)  # fmt: skip
def test_a_page_that_is_none_is_refused(url: str, query: str) -> None:
    batch = send(url, [1])
    answer = get(f"{batch['urls']['items']}?{query}")
    assert answer.status_code == 422
    assert query.partition("=")[0] in answer.json()["errors"]
