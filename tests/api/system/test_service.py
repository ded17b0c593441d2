"""What all routes have in common, and the routes of the service itself."""

import re
import time
from http.client import HTTPConnection
from urllib.parse import urlsplit
from uuid import UUID

import pytest
import requests

from tests.support.abuse.bad_requests import check_problem
from tests.support.http.calls import forms, get, post
from tests.support.http.raw import JPEG, exchange, request
from tests.support.images.pictures import encode, picture

PHOTO = encode(picture(), "JPEG")


def test_an_unchanged_answer_is_not_sent_again(url: str) -> None:
    image = post(f"{url}/v1/images", **forms(PHOTO)["raw"]).json()["urls"]["get"]
    first = get(image)
    assert get(image, headers={"If-None-Match": first.headers["ETag"]}).status_code == 304
    assert requests.head(image, timeout=10).headers["ETag"] == first.headers["ETag"]
    stale = get(image, headers={"If-Match": '"another"'})
    assert (stale.status_code, stale.json()["code"]) == (412, "precondition_failed")
    post(f"{url}/v1/predictions", json={"task": "classify", "image_id": image.rpartition("/")[2]})
    assert get(image, headers={"If-None-Match": first.headers["ETag"]}).status_code == 200


@pytest.mark.parametrize("path", ["/v1/tasks", "/nope", "/v1/images/x", "/", "/predictions/x/"])
def test_a_request_id_is_taken_over_or_given(url: str, path: str) -> None:
    given = get(url + path, headers={"X-Request-Id": "from-the-caller.1"})
    assert given.headers["X-Request-Id"] == "from-the-caller.1"
    for bad in ("", "a b", "x" * 129, "\xff"):
        answer = exchange(url, request("GET", path, {"X-Request-Id": bad}))
        assert UUID(answer.headers["X-Request-Id"]).version == 7


@pytest.mark.parametrize("accept", ["image/png", "*/*;q=0", "application/xml", "", ";;q=x"])
def test_whoever_accepts_nothing_we_have_gets_json(url: str, accept: str) -> None:
    for path in ("/v1/tasks", "/"):
        answer = get(url + path, headers={"Accept": accept})
        assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/json")


def test_the_front_door_is_a_page_for_people_and_json_for_programs(url: str) -> None:
    page = get(url, headers={"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"})
    assert page.headers["Content-Type"].startswith("text/html")
    assert "default-src 'self'" in page.headers["Content-Security-Policy"]
    status = get(url, headers={"Accept": "application/json"})
    assert status.json()["status"] == "ok"
    for answer in (page, status):
        assert "Accept" in [each.strip() for each in answer.headers["Vary"].split(",")]


def test_it_says_that_it_lives_and_that_it_is_ready(url: str) -> None:
    assert get(f"{url}/healthz").json() == {"status": "ok"}
    ready = get(f"{url}/readyz")
    assert ready.status_code == 200
    assert ready.json()["status"] == "ready"
    one = get(f"{url}/readyz", params={"for": "classify"}).json()["checks"]
    assert set(one) == {"database", "storage", "broker", "task classify"}
    assert get(f"{url}/readyz", params={"for": "nothing"}).status_code == 422
    tasks = {"task classify", "task outline"}
    assert set(ready.json()["checks"]) >= {"database", "storage", "broker", *tasks}
    # The model of an optional task may be missing; the service is ready without it.
    assert "task read" not in ready.json()["checks"]
    assert "task read" in get(f"{url}/readyz", params={"for": "read"}).json()["checks"]
    assert set(get(f"{url}/readyz?for=uploads").json()["checks"]) == {"database", "storage"}


def test_tasks_are_listed_with_their_contracts(url: str) -> None:
    tasks = {each["name"]: each for each in get(f"{url}/v1/tasks").json()["items"]}
    assert set(tasks) >= {"classify", "outline"}
    task = tasks["classify"]
    assert task["summary"]
    assert task["params"]["properties"]["top_k"]["maximum"] == 100
    assert "labels" in task["result"]["properties"]


def test_models_are_listed_with_licence_and_hash(url: str) -> None:
    models = {each["task"]: each for each in get(f"{url}/v1/models").json()["items"]}
    for model in (models["classify"], models["outline"]):
        assert re.fullmatch("[0-9a-f]{64}", model["sha256"])
        assert model["licence"] == "Apache-2.0"
        assert all(model[name] for name in ("name", "version", "runtime", "source"))


def test_options_and_head_are_answered(url: str) -> None:
    options = requests.options(f"{url}/v1/images", timeout=10)
    assert options.status_code == 200
    assert set(options.headers["Allow"].split(", ")) == {"GET", "HEAD", "OPTIONS", "POST"}
    head = requests.head(f"{url}/v1/tasks", timeout=10)
    assert (head.status_code, head.content) == (200, b"")


def test_a_client_that_asks_before_it_sends_is_told_to_go_on(url: str) -> None:
    sent = request("POST", "/v1/images", JPEG | {"Expect": "100-continue"}, PHOTO)
    assert exchange(url, sent).status == 201


def test_a_client_that_stops_in_the_middle_is_told_so(url: str) -> None:
    sent = request("POST", "/v1/images", JPEG | {"Content-Length": str(len(PHOTO) + 1)}, PHOTO)
    said = check_problem(exchange(url, sent, half_close=True), 400)
    assert said["code"] == "body_incomplete", "although the image is whole"


def test_a_client_that_announces_much_and_sends_nothing_is_not_waited_for(url: str) -> None:
    started = time.monotonic()
    sent = request("POST", "/v1/images", JPEG | {"Content-Length": str(20 << 20)}, PHOTO)
    assert check_problem(exchange(url, sent), 413)["code"] == "too_large"
    assert time.monotonic() - started < 10


def test_a_connection_goes_on_after_a_refusal(url: str) -> None:
    connection = HTTPConnection(urlsplit(url).netloc, timeout=30)
    for body in (bytes(20 << 20), b"no image", PHOTO):
        connection.request("POST", "/v1/images", body, JPEG)
        answer = connection.getresponse()
        answer.read()
        assert answer.status == {8: 415, len(PHOTO): 201}.get(len(body), 413)
    connection.request("GET", "/healthz")
    assert connection.getresponse().status == 200
    connection.close()


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (request("GET", "/v1/tasks?x=" + "a" * 3000), 200),
        (request("GET", "/v1/tasks?x=" + "a" * 9000), 414),
        (request("GET", "/v1/images/" + "a" * 9000), 414),
        (request("GET", "/v1/tasks", {"X-Long": "a" * 9000}), 431),
        (request("GET", "/v1/tasks", {f"X-{n}": "a" for n in range(200)}), 431),
        (request("GET", "/v1/tasks?wait=\xff"), 400),
        (request("get", "/v1/tasks"), 400),
        (request("POST", "/v1/images", {"Content-Length": "-1"}, PHOTO), 400),
        (request("POST", "/v1/images", {"Content-Length": "1, 2"}, PHOTO), 400),
        (request("POST", "/v1/images", {"Transfer-Encoding": "gzip"}, PHOTO), 400),
        (b"\x16\x03\x01\x02\0\r\n\r\n", 400),
    ],
    ids=lambda given: str(given)[:60],
)
def test_what_gunicorn_refuses_by_itself_is_no_5xx_either(
    url: str, sent: bytes, status: int
) -> None:
    answer = exchange(url, sent)
    assert answer.status == status
    if status != 200:
        assert answer.headers["Content-Type"] == "application/problem+json"
        problem = answer.json()
        assert problem["status"] == status
        assert problem["code"] and problem["detail"].endswith(".")
