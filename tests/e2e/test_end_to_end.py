"""The end-to-end test of the inference service, against any address: `make e2e BASE_URL=…`.

Without BASE_URL it runs on a standalone service and on the served stack, started for it.
"""

import base64
import os
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
import requests

from tests.support.http.calls import FINAL, FORMS, LONGEST_WAIT, PATIENCE, forms, get, post, until
from tests.support.services.processes import standalone

GIVEN = os.environ.get("BASE_URL", "").rstrip("/")
KEYS = {"prediction", "predictoin", "status"}


@pytest.fixture(scope="module", params=["given"] if GIVEN else ["standalone", "served"])
def url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    if request.param == "given":
        yield GIVEN
    elif request.param == "served":
        yield request.getfixturevalue("stack").base_url
    else:
        models = request.getfixturevalue("models")
        folder = tmp_path_factory.mktemp("standalone")
        with standalone(folder, MODEL_MIRROR="", MODEL_DIR=models) as running:
            yield running.base_url


# ---- as the inference service's own test had it


def send(url: str, data: bytes) -> requests.Response:
    lines = base64.encodebytes(data).decode()
    body = f'{{"name": "cat", "data": "{lines}"}}'.encode()
    headers = {"Content-Type": "text/plain"}
    return post(f"{url}/inference/image/", data=body, headers=headers, allow_redirects=False)


def test_the_server_answers(url: str) -> None:
    assert get(f"{url}/").status_code == 200


def test_post_answers_in_the_expected_format(url: str, cat: bytes) -> None:
    answer = send(url, cat)
    assert answer.status_code == 200
    assert set(answer.json()) == {"uuid"}
    UUID(answer.json()["uuid"])


def test_get_answers_in_the_expected_format(url: str, cat: bytes) -> None:
    answer = get(f"{url}/predictions/{send(url, cat).json()['uuid']}/", allow_redirects=False)
    assert answer.status_code == 200
    assert set(answer.json()) == KEYS
    assert get(f"{url}/predictions/01920000-0000-7000-8000-000000000000/").status_code == 404


def test_the_model_knows_the_cat(url: str, cat: bytes) -> None:
    address = f"{url}/predictions/{send(url, cat).json()['uuid']}"

    def look() -> dict[str, Any] | None:
        said: dict[str, Any] = get(address).json()
        return said if said["prediction"] else None

    said = until(look, PATIENCE, "a prediction")
    assert said == {
        "prediction": "Egyptian cat",
        "predictoin": "Egyptian cat",
        "status": "succeeded",
    }


# ---- the same way on /v1


def test_the_server_is_ready(url: str) -> None:
    answer = get(f"{url}/readyz")
    assert answer.status_code == 200, answer.text
    assert set(answer.json()["checks"].values()) == {"ok"}
    assert get(url, headers={"Accept": "application/json"}).json()["status"] == "ok"
    assert [task["name"] for task in get(f"{url}/v1/tasks").json()["items"]]
    assert "classify" in [model["task"] for model in get(f"{url}/v1/models").json()["items"]]


@pytest.mark.parametrize("form", FORMS)
def test_an_image_is_classified_on_upload(url: str, form: str, cat: bytes) -> None:
    answer = post(f"{url}/v1/images", params={"tasks": "classify"}, **forms(cat)[form])
    image = answer.json()
    [prediction] = image["predictions"]
    check(url, prediction["id"])
    shown = get(f"{url}{answer.headers['Location']}").json()
    assert shown["predictions"][0]["status"] == "succeeded"
    content = get(f"{url}/v1/images/{image['id']}/content")
    assert (content.status_code, content.headers["Content-Type"]) == (200, "image/jpeg")


def check(url: str, id: str) -> None:
    """Follow a prediction to its end, which is that of a cat."""

    def look() -> dict[str, Any] | None:
        answer = get(f"{url}/v1/predictions/{id}", params={"wait": LONGEST_WAIT})
        row: dict[str, Any] = answer.json()
        assert answer.status_code == 200, answer.text
        return row if row["status"] in FINAL else None

    row = until(look, PATIENCE, "a prediction")
    assert (row["status"], row["error"]) == ("succeeded", None)
    assert row["result"]["labels"][0]["name"] == "Egyptian cat"


def test_a_prediction_is_asked_for_and_looked_up(url: str, cat: bytes) -> None:
    sent = {"data": {"task": "classify"}, "files": {"file": ("cat.jpg", cat)}}
    answer = post(f"{url}/v1/predictions?fresh=true", **sent)
    assert answer.status_code == 202
    assert answer.headers["Location"].endswith(answer.json()["id"])
    check(url, answer.json()["id"])


def test_a_caller_who_waits_gets_the_labels_at_once(url: str, cat: bytes) -> None:
    sent = {"data": {"task": "classify"}, "files": {"file": ("cat.jpg", cat)}}
    answer = post(f"{url}/v1/predictions", headers={"Prefer": "wait=30"}, **sent)
    assert answer.status_code == 200
    assert answer.json()["result"]["labels"][0]["name"] == "Egyptian cat"


def test_what_is_no_image_is_refused(url: str) -> None:
    answer = requests.post(f"{url}/v1/images", files={"file": b"no image"}, timeout=PATIENCE)
    assert answer.status_code == 415
    assert answer.headers["Content-Type"] == "application/problem+json"
