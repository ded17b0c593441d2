"""The inference service's routes, by its documented curl lines and as its users call them."""

import base64
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from tests.support.abuse.bad_requests import UNKNOWN, check_problem
from tests.support.http.calls import PATIENCE, get, until
from tests.support.http.raw import exchange, request
from tests.support.images.pictures import encode, picture
from tests.support.servers.backends import missing

PHOTO = encode(picture(), "JPEG")
KEYS = {"prediction", "predictoin", "status"}


def wrapped(data: bytes) -> str:
    """As `base64 image.jpg` prints it: a line end after every 76 characters."""
    return base64.encodebytes(data).decode()


def documented(name: str, data: str) -> bytes:
    """The body of the documented curl line; line ends stand in it as they are."""
    return f'{{\n    "name": "{name}",\n    "data": "{data}"\n    }}'.encode()


def ask(url: str, body: bytes, path: str = "/inference/image/", kind: str = "text/plain") -> str:
    headers = {"Content-Type": kind} if kind else {}
    answer = exchange(url, request("POST", path, headers, body))
    assert answer.status == 200, answer.body
    check_headers(answer.headers)
    said: dict[str, str] = answer.json()
    assert set(said) == {"uuid"}
    return str(UUID(said["uuid"]))


def check_headers(headers: Any) -> None:
    assert headers["Content-Type"] in ("application/json", "application/problem+json")
    assert headers["Deprecation"] == "true"
    assert headers["Link"] == '</v1/predictions>; rel="successor-version"'


def result(url: str, id: str, slash: str = "/") -> dict[str, Any]:
    """What polling comes to; unfinished answers have the same form."""

    def look() -> dict[str, Any] | None:
        answer = get(f"{url}/predictions/{id}{slash}", allow_redirects=False)
        said: dict[str, Any] = answer.json()
        assert (answer.status_code, set(said)) == (200, KEYS)
        check_headers(answer.headers)
        assert said["prediction"] == said["predictoin"]
        assert (said["prediction"] is None) == (said["status"] in ("queued", "processing"))
        assert ("Retry-After" in answer.headers) == (said["prediction"] is None)
        return said if said["prediction"] else None

    found: dict[str, Any] = until(look, PATIENCE, "a prediction")
    return found


@pytest.mark.parametrize("slash", ["/", ""])
@pytest.mark.parametrize(
    "kind",
    ["text/plain", "application/json", "text/plain; charset=utf-8", "", "image/jpeg",
     "application/x-www-form-urlencoded", "multipart/form-data"],
)  # fmt: skip
def test_it_answers_with_and_without_slash_whatever_the_content_type(
    url: str, cat: bytes, slash: str, kind: str
) -> None:
    id = ask(url, documented("cat", wrapped(cat)), f"/inference/image{slash}", kind)
    assert result(url, id, slash)["prediction"] == "Egyptian cat"


@pytest.mark.parametrize(
    "data",
    [
        base64.b64encode(PHOTO).decode(), wrapped(PHOTO), wrapped(PHOTO).replace("\n", "\r\n"),
        "\t" + wrapped(PHOTO) + "  ", "data:image/jpeg;base64," + base64.b64encode(PHOTO).decode(),
        "data:image/jpeg;base64,\n" + wrapped(PHOTO), base64.urlsafe_b64encode(PHOTO).decode(),
    ],
    ids=["bare", "wrapped", "wrapped by Windows", "padded", "data URL", "wrapped URL", "URL-safe"],
)  # fmt: skip
def test_base64_comes_as_people_make_it(url: str, data: str) -> None:
    for body in (documented("dog", data), json.dumps({"data": data}).encode()):
        assert result(url, ask(url, body))["status"] == "succeeded"


def test_the_name_may_be_missing_and_is_kept_where_it_is_not(url: str) -> None:
    for name in ("dog", None):
        sent = {"name": name, "data": base64.b64encode(PHOTO).decode()}
        row = get(f"{url}/v1/predictions/{ask(url, json.dumps(sent).encode())}").json()
        assert get(row["urls"]["image"]).json()["file_name"] == (name or "image.jpg")


def test_what_was_asked_here_is_seen_by_the_new_routes(url: str, cat: bytes) -> None:
    id = ask(url, documented("cat", wrapped(cat)))
    row = get(f"{url}/v1/predictions/{id}?wait=30").json()
    assert (row["task"], row["status"]) == ("classify", "succeeded")
    assert result(url, id)["prediction"] == row["result"]["labels"][0]["name"]


def test_an_unknown_id_is_not_found_and_never_pending(url: str) -> None:
    for id in (UNKNOWN, "x"):
        for slash in ("", "/"):
            answer = exchange(url, request("GET", f"/predictions/{id}{slash}"))
            check_problem(answer, 404)
            check_headers(answer.headers)


def test_an_image_that_does_not_decode_is_no_longer_unfinished(url: str) -> None:
    png = encode(picture(), "PNG")
    broken = png[:60] + bytes(40) + png[100:]
    said = result(url, ask(url, documented("a", wrapped(broken))))
    assert (said["status"], said["prediction"]) == ("failed", "error: image_undecodable")


def test_its_errors_are_ours_and_say_where_to_go(url: str) -> None:
    answer = exchange(url, request("POST", "/inference/image", {}, b'{"name": "dog"}'))
    assert list(check_problem(answer, 422)["errors"]) == ["data"]
    check_headers(answer.headers)


def test_the_documented_curl_lines_work_as_they_stand(url: str, cat: bytes, tmp_path: Path) -> None:
    if shutil.which("curl") is None:
        missing("curl is not installed")
    (tmp_path / "body").write_bytes(documented("cat", wrapped(cat)))
    post = ["--location", "--request", "POST", f"{url}/inference/image/", "--header"]
    sent = curl(*post, "Content-Type: text/plain", "--data-raw", '{"name": "dog", "data": "!"}')
    assert sent["code"] == "image_base64_invalid"
    for flag in ("--data-binary", "--data"):
        sent = curl(*post, "Content-Type: text/plain", flag, f"@{tmp_path / 'body'}")
        assert result(url, sent["uuid"])["prediction"] == "Egyptian cat"
        shown = curl("--location", "--request", "GET", f"{url}/predictions/{sent['uuid']}")
        assert shown["predictoin"] == "Egyptian cat"


def curl(*arguments: str) -> dict[str, Any]:
    done = subprocess.run(["curl", "-s", *arguments], capture_output=True, timeout=30, check=True)
    said: dict[str, Any] = json.loads(done.stdout)
    return said
