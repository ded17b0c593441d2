"""Search and labels in other languages, over HTTP and with the real word lists."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.engine.searching.test_languages import CATS, DOGS
from tests.support.http.calls import get, post, until
from tests.support.images.pictures import photographs
from tests.support.services.processes import Running, standalone
from tests.support.services.served import models as models

pytestmark = pytest.mark.slow

SOON = 60.0  # seconds until an upload is found, on a busy machine
SHOWN = ["cat_720p.jpg", "parrot.jpg", "dog_segmentation.bmp", "sunflower.bmp"]
CAT, PARROT, DOG, FLOWER = (f"{number}.jpg" for number in range(len(SHOWN)))


@pytest.fixture(scope="module")
def gallery(models: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A service with four public photographs in its index."""
    folder = tmp_path_factory.mktemp("languages")
    with standalone(folder, MODEL_MIRROR="", MODEL_DIR=models) as running:
        for number, name in enumerate(SHOWN):
            files = {"file": (f"{number}.jpg", photographs()[name])}
            post(f"{running.base_url}/v1/images", files=files, data={"visibility": "public"})
        until(
            lambda: (
                {CAT, PARROT, DOG} <= set(names(search(running, "animal")))
                and names(search(running, "flower"))
            ),
            SOON,
            "the gallery is indexed",
        )
        yield running


def search(service: Running, query: str, **more: Any) -> dict[str, Any]:
    answer = get(f"{service.base_url}/v1/search", params={"query": query, **more})
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


def names(told: dict[str, Any]) -> list[str]:
    return [item["image"]["file_name"] for item in told["items"]]


@pytest.mark.parametrize(
    ("word", "language", "name"),
    [(word, each, CAT) for each, word in CATS.items()]
    + [(word, each, DOG) for each, word in DOGS.items()],
)
def test_cats_and_dogs_are_found_in_every_language(
    gallery: Running, word: str, language: str, name: str
) -> None:
    told = search(gallery, word)
    assert names(told) == [name]
    [understood] = told["query"]["translations"]
    assert language in understood["languages"]
    given = search(gallery, word, lang=language)
    assert names(given) == [name]
    assert given["query"]["language"] == language


def test_a_foreign_word_finds_what_the_english_word_finds(gallery: Running) -> None:
    foreign, english = search(gallery, "Hund"), search(gallery, "dog")
    assert [item["score"] for item in foreign["items"]] == [
        item["score"] for item in english["items"]
    ]
    assert names(foreign) == names(english)
    assert foreign["query"] == {
        "language": None,
        "read_as": "dog",
        "translations": [
            {"word": "Hund", "languages": ["da", "de", "nb", "sv"], "english": ["dog"]}
        ],
        "unknown_words": [],
    }
    assert "(for Hund)" in foreign["items"][0]["why"]


def test_an_english_query_is_told_to_be_english(gallery: Running) -> None:
    told = search(gallery, "a cat in the park")
    assert told["query"]["language"] == "en"
    assert told["query"]["translations"] == []
    assert told["items"][0]["image"]["file_name"] == CAT


def test_an_unknown_word_gets_an_empty_result_with_a_hint(gallery: Running) -> None:
    told = search(gallery, "qwertzuiop")
    assert told["items"] == []
    assert "No word of it is known" in told["detail"]
    assert "German" in told["detail"]
    assert told["query"]["unknown_words"] == ["qwertzuiop"]


def test_pages_of_a_search_keep_its_language(gallery: Running) -> None:
    first = get(
        f"{gallery.base_url}/v1/search", params={"query": "Tiere", "lang": "de-AT", "limit": 1}
    )
    assert first.json()["query"]["language"] == "de"
    second = get(first.links["next"]["url"])
    assert second.status_code == 200, second.text
    assert second.json()["search_id"] == first.json()["search_id"]


@pytest.mark.parametrize("path", ["search?query=a", "predictions/{id}?", "images/{image}?"])
def test_a_language_that_is_not_installed_is_rejected_with_those_that_are(
    gallery: Running, path: str
) -> None:
    [cat] = search(gallery, "cat")["items"]
    rows = get(f"{gallery.base_url}/v1/images/{cat['image']['id']}").json()["predictions"]
    path = path.format(id=rows[0]["id"], image=cat["image"]["id"])
    answer = get(f"{gallery.base_url}/v1/{path}&lang=tlh")
    assert answer.status_code == 422
    [message] = answer.json()["errors"]["lang"]
    assert message.startswith("must be one of: ar, cs, da, de, el, en,")


@pytest.mark.parametrize(
    ("language", "cat"), [("de", "Katze"), ("fr", "chat"), ("ru", "кошка"), ("ja", "猫")]
)
def test_labels_are_translated(gallery: Running, language: str, cat: str) -> None:
    [found] = search(gallery, "cat")["items"]
    image = f"{gallery.base_url}/v1/images/{found['image']['id']}"
    [english] = [row for row in get(image).json()["predictions"] if row["task"] == "classify"]
    shown = get(image, params={"lang": language}).json()["predictions"]
    [translated] = [row for row in shown if row["task"] == "classify"]
    terms = {term["english"]: term for term in translated["result"]["broader"]}
    assert (terms["cat"]["name"], terms["cat"]["language"]) == (cat, language)
    for before, after in zip(
        english["result"]["labels"], translated["result"]["labels"], strict=True
    ):
        assert after["english"] == before["name"]
        assert after["score"] == before["score"]
        assert (after["name"] == before["name"]) or after["language"] == language
    alone = get(f"{gallery.base_url}/v1/predictions/{english['id']}", params={"lang": language})
    assert alone.json()["result"] == translated["result"]


def test_a_name_without_a_translation_stays_english(gallery: Running) -> None:
    files = {"file": ("again.jpg", photographs()["cat_720p.jpg"])}
    about = {"task": "classify", "params": '{"threshold": 0, "top_k": 50}'}
    url = f"{gallery.base_url}/v1/predictions"
    row = post(url, files=files, data=about, params={"lang": "uk", "wait": 30}).json()
    labels = row["result"]["labels"]
    assert {label["language"] for label in labels} == {"en", "uk"}
    for label in labels:
        assert (label["name"] == label["english"]) == (label["language"] == "en")


def test_votes_on_a_foreign_word_count_for_the_english_word(gallery: Running) -> None:
    told = search(gallery, "Hund")
    parrot = search(gallery, "macaw")["items"][0]["image"]["id"]
    assert parrot not in [item["image"]["id"] for item in search(gallery, "dog")["items"]]
    vote = {"search_id": told["search_id"], "positive": [parrot]}
    assert post(f"{gallery.base_url}/v1/feedback", json=vote).status_code in (200, 201)
    for query in ("dog", "Hund", "perro"):
        assert parrot in [item["image"]["id"] for item in search(gallery, query)["items"]]
