"""Search over HTTP: what is uploaded is found, by its labels and by other words for them."""

from collections.abc import Iterator
from typing import Any

import pytest
import requests

from tests.support.http.calls import forms, get, post, until
from tests.support.images.pictures import photographs
from tests.support.services.processes import Running, standalone
from tests.support.services.served import models as models

pytestmark = pytest.mark.slow

SOON = 30.0  # seconds until an upload is found, on a busy machine
SHOWN = ["cat_720p.jpg", "parrot.jpg", "sunflower.bmp", "grace_hopper.bmp"]


@pytest.fixture(scope="module")
def gallery(models: str, cat: bytes, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A service of these tests' own, with four public photographs in its index."""
    folder = tmp_path_factory.mktemp("gallery")
    with standalone(folder, MODEL_MIRROR="", MODEL_DIR=models) as running:
        for number, name in enumerate(SHOWN):
            upload(running.base_url, photographs()[name], f"{number}.jpg", "public")
        until(
            lambda: (
                found(running.base_url, "animal") >= {"0.jpg", "1.jpg"}
                and found(running.base_url, "flower")
                and found(running.base_url, "uniform")
            ),
            SOON,
            "the gallery is indexed",
        )
        yield running


def upload(url: str, data: bytes, name: str, visibility: str) -> str:
    files, fields = {"file": (name, data)}, {"visibility": visibility}
    return str(post(f"{url}/v1/images", files=files, data=fields).json()["id"])


def search(url: str, query: str, **more: Any) -> dict[str, Any]:
    answer = get(f"{url}/v1/search", params={"query": query, **more})
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


def found(url: str, query: str) -> set[str]:
    return {item["image"]["file_name"] for item in search(url, query)["items"]}


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("Egyptian cat", "0.jpg"),
        ("KITTENS", "0.jpg"),
        ("pussycat", "0.jpg"),
        ("a cat in the park", "0.jpg"),
        ("macaw", "1.jpg"),
        ("birds", "1.jpg"),
        ("daisy", "2.jpg"),
        ("blossom", "2.jpg"),
        ("military uniform", "3.jpg"),
    ],
)
def test_an_image_is_found_by_many_words(gallery: Running, query: str, name: str) -> None:
    told = search(gallery.base_url, query)
    best = told["items"][0]
    assert best["image"]["file_name"] == name
    assert best["relevance"] in ("high", "medium")
    assert 0 < best["score"] <= 1
    assert best["why"].startswith("matched: ")
    assert told["detail"] is None


def test_reasons_name_what_was_matched(gallery: Running) -> None:
    [egyptian] = search(gallery.base_url, "egyptian cat")["items"]
    assert "label Egyptian cat" in egyptian["why"]
    assert "broader term cat" in egyptian["why"]


@pytest.mark.parametrize("query", ["vehicle", "xyzzy", "?!…", "😀", "guitar"])
def test_nothing_is_said_to_match_where_nothing_does(gallery: Running, query: str) -> None:
    told = search(gallery.base_url, query)
    assert told["items"] == []
    assert told["next"] is None
    assert told["detail"]


def test_half_a_match_is_not_highly_relevant(gallery: Running) -> None:
    [half] = search(gallery.base_url, "macaw xyzzy")["items"]
    assert half["relevance"] == "medium"
    assert half["score"] < search(gallery.base_url, "macaw")["items"][0]["score"]


def test_a_search_is_a_prediction_that_can_be_looked_at(gallery: Running) -> None:
    told = search(gallery.base_url, "animal")
    row = get(f"{gallery.base_url}/v1/predictions/{told['search_id']}").json()
    assert (row["task"], row["status"], row["params"]) == (
        "search",
        "succeeded",
        {"query": "animal"},
    )
    ranked = [item["image_id"] for item in row["result"]["items"]]
    assert ranked == [item["image"]["id"] for item in told["items"]]
    assert row["model"]["name"]
    assert row["model"]["version"]


def test_pages_are_cut_from_one_ranking(gallery: Running) -> None:
    whole = search(gallery.base_url, "animal flower uniform")
    names = [item["image"]["file_name"] for item in whole["items"]]
    assert len(names) == 4
    assert whole["next"] is None
    paged: list[str] = []
    answer = get(
        f"{gallery.base_url}/v1/search", params={"query": "animal flower uniform", "limit": 1}
    )
    while True:
        told = answer.json()
        paged += [item["image"]["file_name"] for item in told["items"]]
        if not told["next"]:
            break
        assert len(told["items"]) == 1
        answer = get(answer.links["next"]["url"])
    assert paged == names
    assert "Link" not in answer.headers


def test_unlisted_images_are_in_nobodys_results(gallery: Running, cat: bytes) -> None:
    id = upload(gallery.base_url, cat, "unlisted-wombat.jpg", "unlisted")
    seen = upload(gallery.base_url, cat, "public-quokka.jpg", "public")
    until(lambda: found(gallery.base_url, "quokka"), SOON, "the public one is found")
    assert search(gallery.base_url, "wombat")["items"] == []
    assert [i["image"]["id"] for i in search(gallery.base_url, "quokka")["items"]] == [seen]
    rows = get(f"{gallery.base_url}/v1/images/{id}").json()["predictions"]
    assert rows == [], "nothing was asked of it"


def test_a_file_name_is_found_before_anything_is_known(gallery: Running, cat: bytes) -> None:
    upload(gallery.base_url, cat, "Holiday_in-Lisbon2024.JPG", "public")
    until(lambda: found(gallery.base_url, "lisbon2024 holidays"), SOON, "it is found")


@pytest.mark.parametrize("form", sorted(forms(b"")))
def test_look_alikes_of_an_image_that_comes_along(gallery: Running, cat: bytes, form: str) -> None:
    answer = post(f"{gallery.base_url}/v1/images/similar", **forms(cat)[form])
    told = answer.json()
    assert told["items"][0]["score"] > 0.99
    assert told["items"][0]["why"].startswith("looks alike")
    assert told["items"][0]["image"]["width"] == 1280
    own = answer.headers["Location"].rpartition("/")[2]
    assert own not in [item["image"]["id"] for item in told["items"]]


def test_look_alikes_of_a_stored_image(gallery: Running) -> None:
    [parrot] = search(gallery.base_url, "macaw")["items"]
    url = f"{gallery.base_url}/v1/images/{parrot['image']['id']}/similar"
    told = get(url, params={"limit": 1}).json()
    assert told["items"][0]["image"]["id"] != parrot["image"]["id"]
    following = get(url, params={"limit": 1, "cursor": told["next"]}).json()
    assert following["items"][0]["score"] <= told["items"][0]["score"]
    assert following["items"][0]["image"]["id"] != told["items"][0]["image"]["id"]
    assert following["search_id"] == told["search_id"]


@pytest.mark.parametrize("path", ["/api/search/", "/api/search"])
def test_the_sticker_searchs_call_works(gallery: Running, path: str) -> None:
    answer = requests.get(
        f"{gallery.base_url}{path}?query=cat+in+a+park", timeout=30, allow_redirects=False
    )
    assert answer.status_code == 200
    assert answer.json()["items"][0]["image"]["file_name"] == "0.jpg"
    assert answer.headers["Deprecation"] == "true"
    assert answer.headers["Link"] == '</v1/search>; rel="successor-version"'


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("", "query"),
        ("query=", "query"),
        ("query=%20%20", "query"),
        (f"query={'a' * 301}", "query"),
        ("query=%00", "query"),
        ("query=a&limit=0", "limit"),
        ("query=a&limit=abc", "limit"),
        ("query=a&limit=1000000", "limit"),
        ("query=a&cursor=x", "cursor"),
        ("query=a&cursor=01a2122e-f282-77b0-a67c-8f1323c2081d.0", "cursor"),
    ],
)
def test_a_search_that_cannot_be_made_says_why(gallery: Running, query: str, field: str) -> None:
    answer = get(f"{gallery.base_url}/v1/search?{query}")
    assert answer.status_code == 422
    assert list(answer.json()["errors"]) == [field]


def test_a_cursor_belongs_to_its_query(gallery: Running) -> None:
    cursor = search(gallery.base_url, "animal flower uniform", limit=1)["next"]
    url = f"{gallery.base_url}/v1/search"
    assert get(url, params={"query": "Animal  FLOWER uniform", "cursor": cursor}).ok
    assert get(url, params={"cursor": cursor}).ok
    assert get(url, params={"query": "flower", "cursor": cursor}).status_code == 422
    assert get(url, params={"cursor": cursor + "0" * 9}).status_code == 422


@pytest.mark.parametrize("path", ["/v1/predictions", "/v1/images"])
def test_a_search_is_not_asked_of_an_image(gallery: Running, cat: bytes, path: str) -> None:
    files = {"file": ("cat.jpg", cat)}
    answer = requests.post(
        f"{gallery.base_url}{path}?task{'s' * (path == '/v1/images')}=search",
        files=files,
        timeout=30,
    )
    assert answer.status_code == 422
    batch = requests.post(
        f"{gallery.base_url}/v1/batches",
        json=[{"task": "search", "params": {"query": "cat"}}],
        timeout=30,
    )
    assert batch.status_code in (202, 422)
    if batch.ok:
        assert batch.json()["counts"]["rejected"] == 1
