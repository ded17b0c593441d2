"""The classifier's documented calls, sent as its own client sent them: by `requests`."""

import re
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.support.http.accounts import PASSWORD, Account, sign_up
from tests.support.http.calls import PATIENCE
from tests.support.images.pictures import encode, picture

FAILURE = (
    "something went wrong, please check the extension or the validity of the image.More details: "
)
FORM = {
    "grant_type": "", "username": "", "password": PASSWORD, "scope": "", "client_id": "",
    "client_secret": "",
}  # fmt: skip


@pytest.fixture(scope="module")
def somebody(url: str) -> Account:
    return sign_up(url)


@pytest.fixture(scope="module")
def token(url: str, somebody: Account) -> str:
    """As its client got it: an OAuth2 form with empty fields."""
    form = FORM | {"username": somebody.name}
    got = requests.post(f"{url}/token", data=form, timeout=PATIENCE).json()
    assert got["token_type"] == "bearer"
    return str(got["access_token"])


def predict(url: str, token: str | None, files: Any, slash: str = "") -> requests.Response:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    answer = requests.post(f"{url}/predict{slash}", headers=headers, files=files, timeout=PATIENCE)
    assert answer.headers["Deprecation"] == "true"
    return answer


def parts(name: str, data: Any) -> dict[str, Any]:
    """The two stray parts are what `requests` makes of a text among files."""
    return {"file": (name, data), "Content-Type": "multipart/form-data", "filename": name}


@pytest.mark.parametrize("slash", ["", "/"])
def test_a_photograph_is_labelled(
    url: str, token: str, somebody: Account, cat: bytes, slash: str, tmp_path: Path
) -> None:
    path = tmp_path / "cat.jpg"
    path.write_bytes(cat)
    with path.open("rb") as file:
        answer = predict(url, token, parts("cat.jpg", file), slash)
    assert answer.status_code == 200, answer.text
    said = answer.json()
    assert list(said) == [
        "username", "filename", "extension", "date", "class_id", "category_name", "score",
        "success",
    ]  # fmt: skip
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}", said.pop("date"))
    score = said.pop("score")
    assert isinstance(score, int)
    assert 50 <= score <= 100
    assert said == {
        "username": somebody.name, "filename": "cat.jpg", "extension": "jpg", "class_id": 285,
        "category_name": "Egyptian cat", "success": True,
    }  # fmt: skip


def test_its_date_is_now_without_a_zone(url: str, token: str, cat: bytes) -> None:
    date = datetime.fromisoformat(predict(url, token, parts("c.jpg", cat)).json()["date"])
    assert date.tzinfo is None
    assert abs(datetime.utcnow() - date) < timedelta(minutes=2)


def test_a_name_without_an_extension_gets_the_usual_one(url: str, token: str, cat: bytes) -> None:
    said = predict(url, token, parts("cat", cat)).json()
    assert (said["filename"], said["extension"]) == ("cat", "jpg")


TRUNCATED = encode(picture(), "PNG")[:200]
GOOD = encode(picture(), "JPEG")


@pytest.mark.parametrize(
    ("files", "status"),
    [
        (parts("a.txt", b"a text"), 415),
        (parts("a.jpg", b""), 422),
        (parts("a.png", TRUNCATED), 422),
        (parts("a.jpg", bytes(1000)), 415),
        ({"image": ("a.jpg", GOOD)}, 422),
        ([("file", ("a.jpg", GOOD)), ("file", ("b.jpg", GOOD))], 422),
    ],
)
def test_what_cannot_be_used_fails_in_its_words(
    url: str, token: str, files: Any, status: int
) -> None:
    answer = predict(url, token, files)
    assert (answer.status_code, list(answer.json())) == (status, ["detail"])
    assert answer.json()["detail"].startswith(FAILURE)
    assert len(answer.json()["detail"]) > len(FAILURE)


def test_what_does_not_decode_fails_in_its_words(url: str, token: str) -> None:
    broken = bytearray(encode(picture("RGB", (300, 200)), "PNG"))
    broken[100:110] = bytes(10)  # within the pixels: the door does not look at them
    answer = predict(url, token, parts("a.png", bytes(broken)))
    assert (answer.status_code, list(answer.json())) == (422, ["detail"])
    assert answer.json()["detail"].startswith(FAILURE)


@pytest.mark.parametrize("sent", [{}, {"data": "x"}, {"json": {"file": "x"}}, {"data": {"a": 1}}])
def test_what_is_no_form_fails_in_its_words(url: str, token: str, sent: Any) -> None:
    headers = {"Authorization": f"Bearer {token}"}
    answer = requests.post(f"{url}/predict", headers=headers, timeout=PATIENCE, **sent)
    assert (answer.status_code, answer.json()["detail"][: len(FAILURE)]) == (415, FAILURE)


@pytest.mark.parametrize("bad", [None, "x", "a.b.c"])
def test_without_a_good_token_nothing_is_read(url: str, bad: str | None) -> None:
    answer = predict(url, bad, parts("a.jpg", GOOD))
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert answer.json()["detail"]


def test_a_file_that_is_too_long_fails_in_its_words(url: str, token: str) -> None:
    answer = predict(url, token, parts("a.jpg", bytes(17 << 20)))
    assert (answer.status_code, answer.json()["detail"][: len(FAILURE)]) == (413, FAILURE)
