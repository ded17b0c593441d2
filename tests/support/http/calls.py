"""Calls as an ordinary client makes them, with `requests`."""

import base64
import time
from collections.abc import Callable, Iterable
from typing import Any

import pytest
import requests

from tests.support.images.pictures import photographs
from tests.support.servers.backends import missing

CAT = "cat_720p.jpg"
LONGEST_WAIT = 30  # seconds, the most that a request may ask for
PATIENCE = 2 * LONGEST_WAIT
FINAL = {"succeeded", "failed", "canceled", "expired"}


def post(url: str, **options: Any) -> requests.Response:
    """The answer to a POST that must go well."""
    answer = requests.post(url, timeout=PATIENCE, **options)
    assert answer.ok, (answer.status_code, answer.text)
    return answer


def get(url: str, **options: Any) -> requests.Response:
    """The answer to a GET, whatever it is."""
    return requests.get(url, timeout=PATIENCE, **options)


def forms(data: bytes, name: str = "cat.jpg") -> dict[str, dict[str, Any]]:
    """The ways to send an image, as options of `post`."""
    return {
        "multipart": {"files": {"file": (name, data)}},
        "multipart image": {"files": {"image": (name, data)}},
        "raw": {"data": data, "headers": {"Content-Type": "image/jpeg"}},
        "base64": {"json": {"name": name, "data": base64.b64encode(data).decode()}},
    }


FORMS = sorted(forms(b""))


@pytest.fixture(scope="session")
def cat() -> bytes:
    """The photograph of which everybody knows the answer: an Egyptian cat."""
    if CAT not in photographs():
        missing("there are no photographs: neither IMAGES_DIR nor ../shared/images")
    return photographs()[CAT]


def until(happened: Callable[[], Any], seconds: float, what: str) -> Any:
    """What `happened` returns as soon as it is something; fails the test when it never is."""
    deadline = time.monotonic() + seconds
    while not (found := happened()):
        assert time.monotonic() < deadline, f"{what}: not within {seconds} s"
        time.sleep(0.05)
    return found


def finished(url: str, ids: Iterable[str], seconds: float) -> dict[str, dict[str, Any]]:
    """The predictions of these ids once all of them are final; fails the test when some stay."""
    deadline = time.monotonic() + seconds
    rows: dict[str, dict[str, Any]] = {}
    with requests.Session() as session:
        for id in ids:
            while True:
                answer = session.get(f"{url}/v1/predictions/{id}", timeout=PATIENCE)
                row = answer.json()
                if answer.ok and row["status"] in FINAL:
                    break
                assert time.monotonic() < deadline, f"{len(rows)} finished, then {row}"
                time.sleep(0.05)
            rows[id] = row
    return rows
