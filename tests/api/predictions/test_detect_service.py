"""The task `detect` over HTTP: a photograph in each format, what is refused, and the search."""

from typing import Any

import pytest
import requests

from tests.support.http.calls import LONGEST_WAIT, get, post, until

pytestmark = pytest.mark.slow

KEYS = {"boxes": "objects", "coco": "coco", "yolo": "yolo", "svg": "svg"}


def ask(url: str, data: bytes, params: str, **fields: str) -> dict[str, Any]:
    form = {"task": "detect", "params": params, **fields}
    files = {"file": ("x.jpg", data)}
    query = {"wait": str(LONGEST_WAIT)}
    row: dict[str, Any] = post(f"{url}/v1/predictions", params=query, data=form, files=files).json()
    assert (row["task"], row["status"]) == ("detect", "succeeded"), row["error"]
    return row


@pytest.mark.parametrize("form", KEYS)
def test_a_photograph_is_answered_in_every_format(url: str, cat: bytes, form: str) -> None:
    row = ask(url, cat, f'{{"format": "{form}"}}')
    assert set(row["result"]) == {"width", "height", KEYS[form]}
    assert (row["result"]["width"], row["result"]["height"]) == (1280, 720)
    assert row["model"]["name"] == "yolox_nano"


def test_the_cat_is_where_it_is(url: str, cat: bytes) -> None:
    [found] = ask(url, cat, '{"threshold": 0.6, "max_objects": 3}')["result"]["objects"]
    assert (found["label"], found["class_id"]) == ("cat", 15)
    x, y, width, height = found["bbox"]
    assert 50 < x < 150
    assert 70 < y < 150
    assert 900 < x + width < 1000
    assert 650 < y + height <= 720


@pytest.mark.parametrize(
    "params", ['{"threshold": 0}', '{"max_objects": 301}', '{"format": "geojson"}']
)
def test_params_that_cannot_be_are_refused(url: str, cat: bytes, params: str) -> None:
    answer = requests.post(
        f"{url}/v1/predictions",
        data={"task": "detect", "params": params},
        files={"file": ("cat.jpg", cat)},
        timeout=30,
    )
    assert (answer.status_code, answer.json()["code"]) == (422, "params_invalid")
    assert list(answer.json()["errors"]["params"]) == [params.split('"')[1]]


@pytest.mark.parametrize("form", ["boxes", "svg"])
def test_a_search_finds_the_objects_whatever_the_format_was(
    url: str, cat: bytes, form: str
) -> None:
    """A bed is no label of the classifier for this photograph."""
    image = ask(url, cat + form.encode(), f'{{"format": "{form}"}}', visibility="public")[
        "image_id"
    ]

    def found() -> Any:
        items = get(f"{url}/v1/search", params={"query": "bed", "wait": "10"}).json()["items"]
        return [each for each in items if each["image"]["id"] == image]

    [hit] = until(found, 30, "the photograph is found by an object")
    assert "detected bed" in hit["why"]
