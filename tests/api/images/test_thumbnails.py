"""/v1/images/{id}/thumbnail: made when it is first asked for, then kept; the house's own task."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests
from PIL import Image

from common.tasks.thumbnail import SIZES
from tests.support.abuse.bad_requests import UNKNOWN
from tests.support.http.calls import forms, get, post
from tests.support.images.heif_files import heic
from tests.support.images.pictures import decode, encode, exif, picture
from tests.support.services.processes import Running
from tests.support.services.served import Stack, served
from tests.support.services.served import stack as stack

PHOTO = encode(picture(size=(1500, 900)), "JPEG", exif=exif(6))
PNG = encode(picture(), "PNG")
BROKEN = PNG[:60] + bytes(40) + PNG[100:]


@pytest.fixture(params=["standalone", "served"])
def service(request: pytest.FixtureRequest) -> str:
    name = "whole_service" if request.param == "standalone" else "stack"
    running: Running | Stack = request.getfixturevalue(name)
    return running.base_url


def uploaded(url: str, data: bytes) -> str:
    """The address of the image's thumbnail."""
    image = post(f"{url}/v1/images", **forms(data)["raw"]).json()
    assert image["urls"]["thumbnail"] == f"{url}/v1/images/{image['id']}/thumbnail"
    address: str = image["urls"]["thumbnail"]
    return address


@pytest.mark.parametrize("size", [None, *SIZES])
def test_it_is_made_upright_in_the_size_asked_for(service: str, size: int | None) -> None:
    query = {"size": size} if size else {}
    answer = get(uploaded(service, PHOTO), params=query)
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"] == "image/jpeg"
    image = decode(answer.content)
    longest = size or 256
    assert image.size == (round(longest * 0.6), longest)
    assert not image.getexif()


def test_browsers_may_keep_it(service: str) -> None:
    address = uploaded(service, PHOTO)
    first = get(address)
    assert first.headers["Cache-Control"] == "private, max-age=86400, must-revalidate"
    again = get(address, headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert get(address).content == first.content
    other = get(address, params={"size": 64})
    assert other.headers["ETag"] != first.headers["ETag"]
    head = requests.head(address, timeout=30)
    assert (head.status_code, head.headers["Content-Length"]) == (200, str(len(first.content)))


def test_many_who_ask_at_once_get_the_same(service: str) -> None:
    address = uploaded(service, encode(picture(size=(900, 900), seed=5), "PNG"))
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(get, [address] * 8))
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.content for answer in answers}) == 1


def test_an_image_that_cannot_be_decoded_has_none(service: str) -> None:
    address = uploaded(service, BROKEN)
    for _ in range(2):
        answer = get(address)
        assert (answer.status_code, answer.json()["code"]) == (422, "image_undecodable")
        assert "Cache-Control" not in answer.headers


def test_what_is_transparent_is_white(service: str) -> None:
    clear = encode(Image.new("RGBA", (80, 80), (0, 0, 0, 0)), "PNG")
    image = decode(get(uploaded(service, clear)).content)
    assert image.size == (80, 80), "no larger than it is"
    assert image.getpixel((40, 40)) == (255, 255, 255)


def test_a_preview_is_what_a_browser_can_show_of_a_heic(service: str) -> None:
    scene = picture(size=(2400, 1200))
    for data, size in ((heic(scene, 30, exif=exif(6).tobytes()), (1024, 2048)),
                       (heic(picture()), (67, 45))):  # fmt: skip
        image = post(f"{service}/v1/images", **forms(data)["raw"]).json()
        assert (image["media_type"], image["urls"]["content"][-8:]) == ("image/heic", "/content")
        assert image["urls"]["preview"] == f"{service}/v1/images/{image['id']}/preview"
        answer = get(image["urls"]["preview"])
        assert answer.headers["Content-Type"] == "image/jpeg"
        assert answer.headers["Cache-Control"] == "private, max-age=86400, must-revalidate"
        shown = decode(answer.content)
        assert shown.size == size and not shown.getexif()
        etag = {"If-None-Match": answer.headers["ETag"]}
        assert get(image["urls"]["preview"], headers=etag).status_code == 304
        content = get(image["urls"]["content"])
        assert content.headers["Content-Type"] == "image/heic"
        assert b"GPS" not in content.content and b"Exif" not in content.content


@pytest.mark.parametrize("size", ["0", "-64", "65", "10000", "x", "", "64.0", "1e2", "٦٤", "%00"])
def test_there_are_few_sizes(url: str, size: str) -> None:
    answer = get(f"{uploaded(url, PNG)}?size={size}")
    assert answer.status_code == 422
    assert "size" in answer.json()["errors"]


@pytest.mark.parametrize("id", ["x", UNKNOWN])
def test_an_unknown_image_has_none(url: str, id: str) -> None:
    answer = get(f"{url}/v1/images/{id}/thumbnail")
    assert (answer.status_code, answer.json()["code"]) == (404, "image_not_found")


def test_the_task_is_the_houses_own(url: str) -> None:
    address = uploaded(url, PNG)
    assert get(address).ok
    assert get(address.removesuffix("/thumbnail")).json()["predictions"] == []
    tasks = [task["name"] for task in get(f"{url}/v1/tasks").json()["items"]]
    assert "classify" in tasks
    assert "thumbnail" not in tasks
    assert "thumbnail" not in [model["task"] for model in get(f"{url}/v1/models").json()["items"]]
    sent = {"data": {"task": "thumbnail"}, "files": {"file": PNG}}
    refused = requests.post(f"{url}/v1/predictions", timeout=30, **sent)  # type: ignore[arg-type]
    assert (refused.status_code, refused.json()["code"]) == (422, "task_unknown")
    refused = requests.post(f"{url}/v1/images?tasks=thumbnail", files={"file": PNG}, timeout=30)
    assert refused.status_code == 422
    assert "ThumbnailResult" not in get(f"{url}/openapi.json").text


@pytest.fixture
def idle(tmp_path: Path) -> Iterator[str]:
    """A service without an engine."""
    database, storage = f"sqlite:///{tmp_path}/a.db", f"file://{tmp_path}/objects"
    with served(tmp_path, database, "memory://", storage, engine=False) as found:
        yield found.base_url


def test_what_is_not_made_in_time_is_to_be_asked_for_again(idle: str) -> None:
    answer = get(uploaded(idle, PNG))
    assert (answer.status_code, answer.json()["code"]) == (503, "thumbnail_not_ready")
    assert int(answer.headers["Retry-After"]) >= 1
