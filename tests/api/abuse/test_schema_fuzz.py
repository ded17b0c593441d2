"""No input whatever gets a 5xx, and every answer is what /openapi.json says: generated requests.

Always the same requests (`derandomize`), so that a failure is everybody's failure.
"""

import json
import random
import re
from typing import Any
from urllib.parse import quote

import pytest
import requests
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fuzz import (
    IMAGES,
    STEADY,
    Caller,
    fuzz,
    make_callers,
    open_schema,
    report,
    role_setter,
)
from tests.support.abuse.bad_requests import BASE64, PHOTO, check_problem
from tests.support.http.raw import (
    BOUNDARY,
    JSON,
    MULTIPART,
    exchange,
    field,
    file,
    multipart,
    request,
)
from tests.support.services.processes import Running

pytestmark = pytest.mark.fuzz

CI_REQUESTS = 5_500  # asked for; rounding leaves over 5,000


@pytest.fixture(scope="module")
def callers(whole_service: Running) -> list[Caller]:
    return make_callers(whole_service.base_url, role_setter(whole_service.log.parent))


def test_every_operation_answers_every_caller_as_documented(
    url: str, callers: list[Caller]
) -> None:
    fuzz(open_schema(url), callers, CI_REQUESTS)
    print(report(callers))
    assert [failure for each in callers for failure in each.failures] == []
    assert [each.broken for each in callers] == [0, 0, 0]
    assert sum(each.sent for each in callers) > 5_000
    for each in callers:
        assert each.statuses.keys() & {201, 202}, "some were accepted"
        assert each.statuses.keys() & {400, 422}, "some were refused"
    anonymous, user, admin = callers
    assert anonymous.statuses[401] > user.statuses[401]
    assert user.statuses[403] > admin.statuses[403]


# ---- below HTTP libraries: requests put together from pieces that each are odd

METHODS = st.sampled_from(["GET", "POST", "HEAD", "OPTIONS", "PUT", "DELETE", "PATCH", "PROPFIND"])
UPLOADS = st.sampled_from(
    ["/v1/images", "/v1/predictions", "/v1/batches", "/inference/image", "/v1/feedback",
     "/api/feedback/"]
)  # fmt: skip
PATHS = st.sampled_from(
    ["/", "/v1/images", "/v1/predictions", "/predictions", "/inference/image/", "/healthz",
     "/v1/predictions/x/cancel", "/v1/predictions/x/retry", "/v1/images/x/thumbnail",
     "/v1/batches", "/v1/batches/x/items", "/v1/batches/x/results", "/v1/batches/x/cancel",
     "/readyz", "/v1/tasks", "/v1/models", "/openapi.json", "/docs", "/static/home.js",
     "/v1/feedback", "/v1/analytics/feedback", "/api/analytics/", "/v1/counter", "/api/counter/"]
)  # fmt: skip
ODD = st.one_of(
    st.text(st.characters(codec="utf-8"), max_size=20),
    st.sampled_from(["%00", "%ff", "..", "%2e%2e%2f", "%", "%zz", "1e400", "nan", "-1", "[", "%%"]),
)
# Gunicorn itself answers bad framing; it is tested in `test_bad_requests.py`.
NAMES = st.sampled_from(
    ["Accept", "Prefer", "If-None-Match", "If-Match", "If-Modified-Since", "Range", "Cookie",
     "X-Request-Id", "Content-Type", "Content-Encoding", "Idempotency-Key", "X-Forwarded-For",
     "X-Forwarded-Host", "Authorization", "Accept-Encoding", "Origin", "X-HTTP-Method-Override"]
)  # fmt: skip
VALUES = st.text(st.characters(min_codepoint=32, max_codepoint=255, exclude_characters="\x7f"))
FIELDS = st.sampled_from(
    ["task", "tasks", "wait", "params", "metadata", "visibility", "name", "deadline", "webhook",
     "limit",
     "cursor", "query", "digit", "n", "x"]
)  # fmt: skip
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
JSONS = st.recursive(
    SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=8
)
SEEDS = st.fixed_dictionaries(
    {"data": st.just(BASE64) | ODD, "task": st.just("classify") | JSONS},
    optional=dict.fromkeys(("params", "metadata", "visibility", "name", "image_id"), JSONS),
)


def as_json(value: Any) -> bytes:
    """NaN and all."""
    return json.dumps(value).encode()


BODIES = st.one_of(
    st.tuples(st.just(JSON), SEEDS.map(as_json) | JSONS.map(as_json) | st.binary()),
    st.tuples(
        st.just(MULTIPART),
        st.lists(st.tuples(FIELDS, st.binary(max_size=30)), max_size=4).map(
            lambda parts: multipart(file(PHOTO), *(field(*part) for part in parts))
        )
        | st.binary().map(lambda data: f"--{BOUNDARY}\r\n".encode() + data),
    ),
    st.tuples(st.just({"Content-Type": "image/png"}), st.binary() | st.sampled_from(IMAGES)),
    st.tuples(
        st.just({"Content-Type": "application/jsonl"}),
        st.lists(SEEDS.map(as_json) | JSONS.map(as_json) | st.binary()).map(b"\n".join),
    ),
    st.tuples(st.just(dict[str, str]()), st.binary()),
)


def quoted(text: str) -> str:
    """Percent-encoded only where Gunicorn would refuse the request line by itself."""
    return re.sub(r"[^!-~]", lambda found: quote(found[0]), text)


TARGETS = st.one_of(
    st.tuples(st.just("POST"), UPLOADS),
    st.tuples(METHODS, PATHS),
    st.tuples(METHODS, st.tuples(PATHS, ODD).map("/".join)),
)


@settings(STEADY, max_examples=600)
@given(
    target=TARGETS,
    query=st.lists(st.tuples(FIELDS, ODD).map("=".join), max_size=3).map("&".join),
    headers=st.dictionaries(NAMES, VALUES, max_size=3),
    typed_body=BODIES,
)
def check_any_request(
    url: str,
    target: tuple[str, str],
    query: str,
    headers: dict[str, str],
    typed_body: tuple[dict[str, str], bytes],
) -> None:
    (method, path), (kind, body) = target, typed_body
    sent = request(method, quoted(f"{path}?{query}"), headers | kind, body)
    answer = exchange(url, sent, head=method == "HEAD")
    assert answer.status < 500, (sent, answer.body)
    if answer.status >= 400 and method != "HEAD":
        check_problem(answer, answer.status)


def test_no_request_whatever_gets_a_5xx(url: str) -> None:
    check_any_request(url=url)


@pytest.mark.parametrize("number", range(len(IMAGES)))
def test_no_damaged_image_is_more_than_refused_or_failed(url: str, number: int) -> None:
    chance = random.Random(number)
    with requests.Session() as session:
        for _ in range(40):
            data = damaged(IMAGES[number], chance)
            answer = session.post(
                f"{url}/v1/predictions?task=classify&wait=30",
                data=data,
                headers={"Content-Type": "image/x"},
                timeout=60,
            )
            assert answer.status_code in (200, 415, 422), answer.text
            row = answer.json()
            if answer.status_code == 200:
                assert (row["status"], row["attempts"]) == ("succeeded", 1), (data, row)
            else:
                assert row["code"].startswith("image_"), row


def damaged(data: bytes, chance: random.Random) -> bytes:
    """Some bytes overwritten, some taken out or put in, most of them near the beginning."""
    changed = bytearray(data)
    for _ in range(chance.randint(1, 6)):
        place = min(int(chance.expovariate(4 / len(data))), len(changed) - 1)
        match chance.randrange(4):
            case 0:
                del changed[place : place + chance.randint(1, 20)]
            case 1:
                changed[place:place] = chance.randbytes(chance.randint(1, 20))
            case _:
                changed[place] = chance.choice((0, 1, 127, 128, 255, chance.randrange(256)))
    return bytes(changed)
