"""The outline service's routes, by its documented curl lines and as its users call them."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import requests

from tests.support.abuse.bad_requests import UNKNOWN, check_problem
from tests.support.http.calls import PATIENCE, get, post, until
from tests.support.http.raw import exchange, request
from tests.support.images.pictures import encode, picture
from tests.support.servers.backends import missing

PHOTO = encode(picture(), "JPEG")
UNFINISHED = ("queued", "processing")
CHECK = "/outline/objects/check"


def check_headers(headers: Any) -> None:
    assert headers["Content-Type"] in ("application/json", "application/problem+json")
    assert headers["Deprecation"] == "true"
    assert headers["Link"] == '</v1/predictions>; rel="successor-version"'


def ask(url: str, data: bytes, slash: str = "", field: str = "image") -> dict[str, Any]:
    answer = requests.post(
        f"{url}/image/outline/objects{slash}",
        files={field: ("cat.jpg", data)},
        timeout=PATIENCE,
        allow_redirects=False,
    )
    assert answer.status_code == 200, answer.text
    check_headers(answer.headers)
    said: dict[str, Any] = answer.json()
    assert set(said) == {"id", "url"}
    UUID(said["id"])
    return said


def result(address: str) -> dict[str, Any]:
    """What polling comes to; unfinished answers are 200 too and have the same form."""

    def look() -> dict[str, Any] | None:
        answer = get(address, allow_redirects=False)
        said: dict[str, Any] = answer.json()
        assert answer.status_code == 200
        check_headers(answer.headers)
        assert set(said) >= {"id", "status", "objects"}
        unfinished = said["status"] in UNFINISHED
        assert (said["objects"] is None) == unfinished
        assert ("Retry-After" in answer.headers) == unfinished
        return None if unfinished else said

    found: dict[str, Any] = until(look, PATIENCE, "outlines")
    return found


def check_cat(said: dict[str, Any]) -> None:
    assert said["status"] == "succeeded"
    first = said["objects"][0]
    assert first["label"] == "cat"
    assert all(len(point) == 2 for point in first["vertices"])
    assert first["vertices"] == first["polygons"][0]["exterior"]
    assert isinstance(first["polygons"][0]["holes"], list)


@pytest.mark.parametrize("slash", ["", "/"])
def test_an_image_is_posted_and_its_outlines_asked_for(url: str, cat: bytes, slash: str) -> None:
    said = ask(url, cat, slash)
    assert said["url"] == f"{url}{CHECK}/{said['id']}"
    found = result(said["url"] + slash)
    assert found["id"] == said["id"]
    check_cat(found)


def test_the_documented_curl_lines_work_as_they_stand(url: str, cat: bytes, tmp_path: Path) -> None:
    if shutil.which("curl") is None:
        missing("curl is not installed")
    photo = tmp_path / "cat.jpg"
    photo.write_bytes(cat)
    posted = curl("-X", "POST", f"{url}/image/outline/objects", "-F", f"image=@{photo}")
    check_cat(result(posted["url"]))
    check_cat(curl("-X", "GET", f"{url}{CHECK}/{posted['id']}"))
    # As it was written, without the @: the path arrives, not the photograph.
    refused = curl("-X", "POST", f"{url}/image/outline/objects", "-F", f"image={photo}")
    assert (refused["status"], refused["code"]) == (422, "image_missing")
    assert "-F 'image=@photo.jpg'" in refused["detail"]


def curl(*arguments: str) -> dict[str, Any]:
    done = subprocess.run(["curl", "-s", *arguments], capture_output=True, timeout=30, check=True)
    said: dict[str, Any] = json.loads(done.stdout)
    return said


def test_a_request_without_an_image_says_what_to_write(url: str) -> None:
    answer = requests.post(
        f"{url}/image/outline/objects", files={"photo": ("a.jpg", PHOTO)}, timeout=30
    )
    assert (answer.status_code, answer.json()["code"]) == (422, "image_missing")
    assert "-F 'image=@photo.jpg'" in answer.json()["detail"]
    check_headers(answer.headers)


def test_what_is_no_image_is_refused_at_the_door(url: str) -> None:
    answer = requests.post(
        f"{url}/image/outline/objects", files={"image": ("a.jpg", b"no image")}, timeout=30
    )
    assert (answer.status_code, answer.json()["code"]) == (415, "image_format_not_allowed")
    check_headers(answer.headers)


def test_an_unknown_id_is_not_found_and_never_pending(url: str) -> None:
    for id in (UNKNOWN, "x"):
        for slash in ("", "/"):
            answer = exchange(url, request("GET", f"{CHECK}/{id}{slash}"))
            check_problem(answer, 404)
            check_headers(answer.headers)


@pytest.mark.parametrize("asked", [{"task": "classify"}, {"task": "outline", "format": "svg"}])
def test_what_was_not_asked_here_is_not_found_here(url: str, asked: dict[str, str]) -> None:
    params = {"format": asked["format"]} if "format" in asked else {}
    fields = {"task": asked["task"], "params": json.dumps(params)}
    row = post(f"{url}/v1/predictions", data=fields, files={"file": ("a.jpg", PHOTO)}).json()
    assert get(f"{url}{CHECK}/{row['id']}").status_code == 404


def test_what_was_asked_here_is_seen_by_the_new_routes(url: str, cat: bytes) -> None:
    said = ask(url, cat)
    row = get(f"{url}/v1/predictions/{said['id']}?wait=30").json()
    assert (row["task"], row["status"]) == ("outline", "succeeded")
    assert result(said["url"])["objects"] == row["result"]["objects"]


def test_an_image_that_does_not_decode_is_no_longer_unfinished(url: str) -> None:
    png = encode(picture(), "PNG")
    said = result(ask(url, png[:60] + bytes(40) + png[100:])["url"])
    assert (said["status"], said["objects"]) == ("failed", [])
    assert said["error"]["code"] == "image_undecodable"
    assert re.search(r"\w", said["error"]["detail"])
