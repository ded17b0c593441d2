"""GET /v1/images/{id}/duplicates over HTTP: uploads are compared with each other."""

import io
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from PIL import Image

from tests.support.http.accounts import Account, sign_up
from tests.support.http.calls import get, post, until
from tests.support.images.pictures import encode
from tests.support.images.pictures import photographs as installed_photographs
from tests.support.services.processes import Running, standalone
from tests.support.services.served import models as models

pytestmark = pytest.mark.slow

SOON = 60.0  # seconds until an upload is indexed, on a busy machine


@pytest.fixture(scope="module")
def service(models: str, cat: bytes, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("copies")
    with standalone(folder, MODEL_MIRROR="", MODEL_DIR=models) as running:
        yield running


@pytest.fixture(scope="module")
def ada(service: Running) -> Account:
    return sign_up(service.base_url, "ada")


@pytest.fixture(scope="module")
def uploaded(service: Running, ada: Account, cat: bytes) -> dict[str, str]:
    """The ids of a photograph of ada's, of three copies, and of other photographs."""
    whole = Image.open(io.BytesIO(cat)).convert("RGB")
    width, height = whole.size
    files = {
        "whole": cat,
        "recoded": encode(whole, "JPEG", quality=40),
        "small": encode(whole.resize((width // 3, height // 3)), "WEBP"),
        "cropped": encode(whole.crop((width // 10, 0, width, height)), "PNG"),
        "parrot": installed_photographs()["parrot.jpg"],
        "pets": installed_photographs()["pets.jpg"],
    }
    return {name: upload(service, data, ada) for name, data in files.items()}


def upload(service: Running, data: bytes, owner: Account | None, visibility: str = "") -> str:
    fields = {"visibility": visibility} if visibility else {}
    options: dict[str, Any] = {"headers": owner.headers} if owner else {}
    url = f"{service.base_url}/v1/images"
    return str(post(url, files={"file": ("x", data)}, data=fields, **options).json()["id"])


def look(service: Running, id: str, caller: Account | None, **query: Any) -> dict[str, Any]:
    answer = get(
        f"{service.base_url}/v1/images/{id}/duplicates",
        params=query,
        headers=caller.headers if caller else {},
    )
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


def found(service: Running, id: str, caller: Account | None = None) -> set[str]:
    return {item["image"]["id"] for item in look(service, id, caller)["items"]}


def test_the_copies_of_an_upload_are_found(
    service: Running, ada: Account, uploaded: dict[str, str]
) -> None:
    copies = {uploaded[name] for name in ("recoded", "small", "cropped")}
    until(lambda: found(service, uploaded["whole"], ada) == copies, SOON, "all are indexed")
    told = look(service, uploaded["whole"], ada)
    assert told["detail"] is None
    for item in told["items"]:
        assert item["kind"] == "copy"
        assert 0.75 <= item["similarity"] <= 1
        assert item["hash_distance"] == round((1 - item["similarity"]) * 256)
        assert "predictions" not in item["image"]
    by_id = {item["image"]["id"]: item["common_part"] for item in told["items"]}
    assert by_id[uploaded["recoded"]] > 0.97
    assert by_id[uploaded["cropped"]] == pytest.approx(0.9, abs=0.04)


def test_other_photographs_have_no_copies(
    service: Running, ada: Account, uploaded: dict[str, str]
) -> None:
    for name in ("parrot", "pets"):
        told = look(service, uploaded[name], ada)
        assert told["items"] == []
        assert told["detail"]


def test_pages_are_cut_from_one_ranking(
    service: Running, ada: Account, uploaded: dict[str, str]
) -> None:
    until(lambda: len(found(service, uploaded["whole"], ada)) == 3, SOON, "all are indexed")
    whole = [item["image"]["id"] for item in look(service, uploaded["whole"], ada)["items"]]
    url = f"{service.base_url}/v1/images/{uploaded['whole']}/duplicates?limit=1"
    paged = []
    while url:
        answer = get(url, headers=ada.headers)
        paged += [item["image"]["id"] for item in answer.json()["items"]]
        url = answer.links.get("next", {}).get("url", "")
        assert bool(url) == bool(answer.json()["next"])
    assert sorted(paged) == sorted(whole)


def test_a_cursor_belongs_to_its_image_and_to_its_search(
    service: Running, ada: Account, uploaded: dict[str, str]
) -> None:
    until(lambda: len(found(service, uploaded["whole"], ada)) == 3, SOON, "all are indexed")
    cursor = look(service, uploaded["whole"], ada, limit=1)["next"]
    for path in (f"{uploaded['pets']}/duplicates", f"{uploaded['whole']}/similar"):
        url = f"{service.base_url}/v1/images/{path}"
        answer = get(url, params={"cursor": cursor}, headers=ada.headers)
        assert answer.status_code == 422
        assert list(answer.json()["errors"]) == ["cursor"]


def test_private_images_are_found_by_their_owner_alone(
    service: Running, ada: Account, uploaded: dict[str, str], cat: bytes
) -> None:
    seen = upload(service, cat, None, "public")
    until(lambda: found(service, uploaded["whole"], ada) >= {seen}, SOON, "it is indexed")
    [same] = [item for item in look(service, uploaded["whole"], ada)["items"]
              if item["image"]["id"] == seen]  # fmt: skip
    assert (same["kind"], same["similarity"], same["hash_distance"]) == ("identical", 1, None)
    assert found(service, seen).isdisjoint(uploaded.values())
    bob = sign_up(service.base_url, "bob")
    assert found(service, seen, bob).isdisjoint(uploaded.values())
    url = f"{service.base_url}/v1/images/{uploaded['whole']}/duplicates"
    assert get(url, headers=bob.headers).status_code == 404
    assert get(url).status_code == 404


def test_an_unlisted_image_is_made_ready_when_its_copies_are_asked_for(
    service: Running, uploaded: dict[str, str]
) -> None:
    shown = installed_photographs()["sunflower.bmp"]
    public = upload(service, shown, None, "public")
    until(lambda: look(service, public, None), SOON, "it is indexed")
    small = encode(Image.open(io.BytesIO(shown)).resize((200, 200)), "JPEG")
    unlisted = upload(service, small, None)
    until(lambda: found(service, unlisted) == {public}, SOON, "the public one is indexed")
    assert found(service, public) == set(), "an unlisted image is in no list"


def test_a_deleted_copy_is_gone(service: Running, ada: Account, cat: bytes) -> None:
    parrot = installed_photographs()["parrot.jpg"]
    small = encode(Image.open(io.BytesIO(parrot)).convert("RGB").resize((400, 300)), "JPEG")
    whole, copy = upload(service, parrot, ada), upload(service, small, ada)
    until(lambda: found(service, whole, ada) == {copy}, SOON, "it is indexed")
    earlier = look(service, whole, ada)["search_id"]
    url = f"{service.base_url}/v1/images/{copy}"
    assert requests.delete(url, headers=ada.headers, timeout=30).status_code == 204
    assert found(service, whole, ada) == set()
    row = get(f"{service.base_url}/v1/predictions/{earlier}", headers=ada.headers).json()
    assert row["result"]["items"] == []


def list_groups(service: Running, caller: Account, **query: Any) -> dict[str, Any]:
    url = f"{service.base_url}/v1/duplicates"
    answer = get(url, params=query, headers=caller.headers)
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


def test_the_groups_of_my_images_are_listed_in_pages(service: Running, cat: bytes) -> None:
    eve = sign_up(service.base_url, "eve")
    told = list_groups(service, eve)
    assert told == {
        "items": [], "next": None, "pending": 0,
        "detail": "None of your images is a copy of another one.",
    }  # fmt: skip
    groups = []
    for data in (cat, installed_photographs()["hot_dog.jpg"]):
        image = Image.open(io.BytesIO(data)).convert("RGB")
        small = encode(image.resize((300, 300 * image.height // image.width)), "JPEG", quality=70)
        groups.append([upload(service, each, eve) for each in (data, small)])
    alone = upload(service, installed_photographs()["pets.jpg"], eve)
    told = list_groups(service, eve)
    assert told["pending"] == 0 or str(told["pending"]) in told["detail"]
    until(lambda: list_groups(service, eve)["pending"] == 0, SOON, "all images are compared")
    told = list_groups(service, eve)
    shown = [[each["image"]["id"] for each in group["images"]] for group in told["items"]]
    assert sorted(map(sorted, shown)) == groups
    assert all(alone not in group for group in shown)
    assert [group["count"] for group in told["items"]] == [2, 2]
    first, copy = told["items"][0]["images"]
    assert (first["hash_distance"], first["common_part"]) == (None, None)
    assert copy["hash_distance"] <= 24
    assert copy["common_part"] > 0.95
    page = list_groups(service, eve, limit=1)
    following = list_groups(service, eve, limit=1, cursor=page["next"])
    assert page["items"] + following["items"] == told["items"]
    assert following["next"] is None
    url = f"{service.base_url}/v1/images/{shown[0][0]}"
    assert requests.delete(url, headers=eve.headers, timeout=30).status_code == 204
    assert list_groups(service, eve)["items"] == told["items"][1:]


def test_groups_need_an_account_and_a_cursor_of_its_own(service: Running, ada: Account) -> None:
    url = f"{service.base_url}/v1/duplicates"
    assert get(url).status_code == 401
    answer = get(url, params={"cursor": "x"}, headers=ada.headers)
    assert (answer.status_code, answer.json()["code"]) == (422, "cursor_invalid")
