"""/v1/images/{id}/preview?blur=faces: no face is found in it, and it is never the plain one."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.http.calls import LONGEST_WAIT, forms, get, post
from tests.support.images.pictures import decode, encode, photographs
from tests.support.servers.backends import missing
from tests.support.services.processes import standalone

pytestmark = pytest.mark.slow


@pytest.fixture
def portrait() -> bytes:
    found = photographs().get("grace_hopper.bmp")
    return found or missing("there are no photographs: neither IMAGES_DIR nor ../shared/images")


def preview_of(url: str, data: bytes) -> str:
    """The address of the preview of an uploaded image."""
    address: str = post(f"{url}/v1/images", **forms(data)["raw"]).json()["urls"]["preview"]
    return address


def faces(url: str, data: bytes) -> int:
    """How many faces the task finds in a picture."""
    sent = {"data": {"task": "faces"}, "files": {"file": ("x.jpg", data)}}
    query = {"wait": str(LONGEST_WAIT)}
    row = post(f"{url}/v1/predictions", params=query, **sent).json()
    return len(row["result"]["faces"])


def test_it_has_no_faces_and_the_plain_one_keeps_them(url: str, portrait: bytes) -> None:
    address = preview_of(url, portrait)
    blurred = get(address, params={"blur": "faces"})
    assert blurred.status_code == 200, blurred.text
    assert blurred.headers["Content-Type"] == "image/jpeg"
    assert blurred.headers["Cache-Control"] == "private, max-age=86400, must-revalidate"
    assert decode(blurred.content).size == (512, 600)
    assert not decode(blurred.content).getexif()
    plain = get(address)
    assert plain.headers["ETag"] != blurred.headers["ETag"]
    assert (faces(url, plain.content), faces(url, blurred.content)) == (1, 0)
    assert get(address, params={"blur": "faces"}).content == blurred.content
    etag = {"If-None-Match": blurred.headers["ETag"]}
    assert get(address, params={"blur": "faces"}, headers=etag).status_code == 304
    assert get(address, headers=etag).content == plain.content


@pytest.mark.parametrize("blur", ["", "Faces", "face", "none", "faces,plates", "1"])
def test_an_unknown_blur_is_refused(url: str, portrait: bytes, blur: str) -> None:
    answer = get(preview_of(url, portrait), params={"blur": blur})
    assert answer.status_code == 422
    assert list(answer.json()["errors"]) == ["blur"]


@pytest.fixture
def without_detector(models: str, tmp_path: Path) -> Iterator[str]:
    """A service whose model of `faces` is not installed."""
    installed = tmp_path / "models"
    shutil.copytree(models, installed, ignore=shutil.ignore_patterns("faces"))
    folder = tmp_path / "standalone"
    env = {"MODEL_MIRROR": "", "MODEL_DIR": str(installed)}
    with standalone(folder, until="/healthz", **env) as running:
        yield running.base_url


def test_without_the_detector_no_preview_is_served_instead(
    without_detector: str, portrait: bytes
) -> None:
    address = preview_of(without_detector, encode(decode(portrait), "PNG"))
    assert get(address).status_code == 200
    answer = get(address, params={"blur": "faces"})
    assert (answer.status_code, answer.json()["code"]) == (503, "model_unavailable")
    assert get(address).status_code == 200
