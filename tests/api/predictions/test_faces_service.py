"""The task `faces` over HTTP: a portrait, a photograph without people, and what is refused."""

from typing import Any

import pytest
import requests

from tests.support.http.calls import LONGEST_WAIT, get, post
from tests.support.images.pictures import photographs
from tests.support.servers.backends import missing

pytestmark = pytest.mark.slow


@pytest.fixture
def portrait() -> bytes:
    found = photographs().get("grace_hopper.bmp")
    return found or missing("there are no photographs: neither IMAGES_DIR nor ../shared/images")


def ask(url: str, data: bytes, params: str = "{}") -> dict[str, Any]:
    form, files = {"task": "faces", "params": params}, {"file": ("x.bmp", data)}
    query = {"wait": str(LONGEST_WAIT)}
    row: dict[str, Any] = post(f"{url}/v1/predictions", params=query, data=form, files=files).json()
    assert (row["task"], row["status"]) == ("faces", "succeeded"), row["error"]
    return row


def test_the_face_of_a_portrait_is_answered_with_its_points(url: str, portrait: bytes) -> None:
    row = ask(url, portrait)
    assert row["model"]["name"] == "yunet_n"
    assert (row["result"]["width"], row["result"]["height"]) == (512, 600)
    [face] = row["result"]["faces"]
    assert set(face) == {"score", "bbox", "points"}
    points = face["points"]
    assert points["right_eye"][1] < points["nose"][1] < points["mouth_left"][1]


def test_a_photograph_without_people_is_answered_with_an_empty_list(url: str, cat: bytes) -> None:
    assert ask(url, cat)["result"] == {"width": 1280, "height": 720, "faces": []}


def test_params_that_cannot_be_are_refused(url: str, cat: bytes) -> None:
    sent = {"data": {"task": "faces", "params": '{"max_faces": 0}'}, "files": {"file": cat}}
    answer = requests.post(f"{url}/v1/predictions", timeout=30, **sent)  # type: ignore[arg-type]
    assert (answer.status_code, answer.json()["code"]) == (422, "params_invalid")
    assert list(answer.json()["errors"]["params"]) == ["max_faces"]


def test_the_page_of_tasks_says_that_people_are_not_recognized(url: str) -> None:
    [task] = [each for each in get(f"{url}/v1/tasks").json()["items"] if each["name"] == "faces"]
    assert "people are not recognized" in task["summary"]
