"""The task `outline` over HTTP: one photograph in each format, and what is refused."""

import xml.etree.ElementTree as ElementTree
from typing import Any

import pytest
import requests

from tests.support.http.calls import LONGEST_WAIT, get, post

pytestmark = pytest.mark.slow

KEYS = {"polygons": "objects", "geojson": "geojson", "coco": "coco", "svg": "svg"}


def ask(url: str, data: bytes, params: str) -> dict[str, Any]:
    query = {"wait": str(LONGEST_WAIT)}
    fields = {"task": "outline", "params": params}
    files = {"file": ("cat.jpg", data)}
    row = post(f"{url}/v1/predictions", params=query, data=fields, files=files).json()
    assert (row["task"], row["status"]) == ("outline", "succeeded"), row["error"]
    result: dict[str, Any] = row["result"]
    return result


@pytest.mark.parametrize("form", KEYS)
def test_a_photograph_is_outlined_in_every_format(url: str, cat: bytes, form: str) -> None:
    result = ask(url, cat, f'{{"format": "{form}"}}')
    assert set(result) == {"width", "height", KEYS[form]}
    assert (result["width"], result["height"]) == (1280, 720)
    assert labels(result)[0] == "cat"


def labels(result: dict[str, Any]) -> list[str]:
    if "objects" in result:
        return [each["label"] for each in result["objects"]]
    if "geojson" in result:
        return [each["properties"]["label"] for each in result["geojson"]["features"]]
    if "svg" in result:
        return [str(path.get("data-label")) for path in ElementTree.fromstring(result["svg"])]
    names = {each["id"]: each["name"] for each in result["coco"]["categories"]}
    return [names[each["category_id"]] for each in result["coco"]["annotations"]]


def test_the_cat_is_where_it_is(url: str, cat: bytes) -> None:
    result = ask(url, cat, '{"min_area": 10000, "max_vertices": 50}')
    [found] = result["objects"]
    x, y, width, height = found["bbox"]
    assert 300_000 < found["area"] < 500_000
    assert 0 <= x < 200
    assert 50 < y < 150
    assert x + width <= 1280
    assert y + height <= 720
    assert 4 <= len(found["vertices"]) <= 50


@pytest.mark.parametrize(
    "params",
    [
        '{"tolerance": 51}', '{"tolerance": -1}', '{"tolerance": "NaN"}', '{"max_vertices": 3}',
        '{"max_vertices": 10001}', '{"min_area": 1e10}', '{"format": "dxf"}', '{"top_k": 5}',
    ],
)  # fmt: skip
def test_params_that_cannot_be_are_refused(url: str, cat: bytes, params: str) -> None:
    answer = requests.post(
        f"{url}/v1/predictions",
        data={"task": "outline", "params": params},
        files={"file": ("cat.jpg", cat)},
        timeout=30,
    )
    assert (answer.status_code, answer.json()["code"]) == (422, "params_invalid")
    assert list(answer.json()["errors"]["params"]) == [params.split('"')[1]]


def test_both_tasks_may_be_asked_for_at_once(url: str, cat: bytes) -> None:
    query = {"tasks": "classify,outline", "wait": str(LONGEST_WAIT)}
    image = post(f"{url}/v1/images", params=query, files={"file": ("cat.jpg", cat)}).json()
    found = {row["task"]: row for row in image["predictions"]}
    assert {row["status"] for row in found.values()} == {"succeeded"}
    assert found["outline"]["result"]["objects"][0]["label"] == "cat"
    assert found["classify"]["result"]["labels"][0]["name"] == "Egyptian cat"
    assert found["outline"]["model"]["name"] == "deeplabv3_mnv2_pascal"


def test_it_is_listed_with_its_ranges(url: str) -> None:
    tasks = {task["name"]: task for task in get(f"{url}/v1/tasks").json()["items"]}
    params = tasks["outline"]["params"]["properties"]
    assert (params["tolerance"]["minimum"], params["tolerance"]["maximum"]) == (0, 50)
    assert (params["max_vertices"]["minimum"], params["max_vertices"]["maximum"]) == (4, 10_000)
    assert (params["min_area"]["minimum"], params["min_area"]["maximum"]) == (0, 1e9)
    assert set(params["format"]["enum"]) == {*KEYS, None}, "null is as if it were absent"
