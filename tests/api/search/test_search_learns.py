"""Feedback through the whole service: the next search knows it, the ML team sees it."""

from collections.abc import Iterator
from typing import Any

import pytest

from common.database.session import Sessions, read
from engine.evaluation.gallery import UNFINISHED
from tests.support.http.accounts import make_ml, sign_up
from tests.support.http.calls import get, post, until
from tests.support.images.pictures import photographs
from tests.support.rows.databases import opened
from tests.support.services.processes import Running, standalone
from tests.support.services.served import models as models

pytestmark = pytest.mark.slow

SHOWN = ["cat_720p.jpg", "parrot.jpg", "dog_segmentation.bmp"]
SOON = 60.0  # seconds, on a busy machine


@pytest.fixture(scope="module")
def service(models: str, cat: bytes, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A service with three public animals in its index."""
    folder = tmp_path_factory.mktemp("learning")
    with standalone(folder, MODEL_MIRROR="", MODEL_DIR=models) as running:
        for name in SHOWN:
            files = {"file": (name, photographs()[name])}
            post(f"{running.base_url}/v1/images", files=files, data={"visibility": "public"})
        with opened(f"sqlite:///{folder}/afterimage.db") as sessions:
            until(lambda: is_settled(running, sessions), SOON, "all is known of them")
        yield running


def is_settled(service: Running, sessions: Sessions) -> bool:
    """Whether they are found, and nothing is under way that would change their order."""
    if len(names(search(service, "animal"))) < len(SHOWN):
        return False
    return not read(sessions, lambda session: session.scalar(UNFINISHED))


def search(service: Running, query: str) -> dict[str, Any]:
    answer = get(f"{service.base_url}/v1/search", params={"query": query})
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


def names(told: dict[str, Any]) -> list[str]:
    return [item["image"]["file_name"] for item in told["items"]]


def by_name(told: dict[str, Any]) -> dict[str, float]:
    """The scores; some are the same, and then come in any order."""
    return {item["image"]["file_name"]: item["score"] for item in told["items"]}


def give(service: Running, told: dict[str, Any], **places: list[int]) -> None:
    ids = [item["image"]["id"] for item in told["items"]]
    fields = {kind: [ids[place] for place in chosen] for kind, chosen in places.items()}
    post(f"{service.base_url}/v1/feedback", json={"search_id": told["search_id"], **fields})


def test_a_vote_moves_the_next_search(service: Running) -> None:
    before = search(service, "an animal")
    give(service, before, positive=[2])
    after = search(service, "animals")
    assert names(after)[0] == names(before)[2]
    scores = [item["score"] for item in after["items"]]
    assert scores == sorted(scores, reverse=True)
    assert all(0 <= score <= 1 for score in scores)
    again = search(service, "An  ANIMAL")
    assert names(again)[0] == names(after)[0]
    give(service, again, neutral=[0])
    assert by_name(search(service, "animal")) == by_name(before)


def test_what_text_does_not_find_is_found_once_it_was_liked(service: Running) -> None:
    assert search(service, "fluffy cloud")["items"] == []
    liked = {"query": "fluffy clouds", "positive": ["dog_segmentation.bmp"]}
    post(f"{service.base_url}/api/feedback/", json={"feedback": [liked]})
    [item] = search(service, "fluffy cloud")["items"]
    assert item["image"]["file_name"] == "dog_segmentation.bmp"
    assert "liked" in item["why"]


def test_the_ml_team_sees_what_is_searched_for(service: Running) -> None:
    told = search(service, "Kakapo")
    assert told["items"] == []
    found = search(service, "Macaw")
    give(service, found, clicks=[0], positive=[0])
    somebody = sign_up(service.base_url)
    with opened(f"sqlite:///{service.log.parent}/afterimage.db") as sessions:
        make_ml(sessions, somebody)
    pages = {
        name: get(f"{service.base_url}/v1/analytics/{name}", headers=somebody.headers).json()
        for name in ("misses", "feedback")
    }
    assert {"query": "kakapo", "searches": 1, "misses": 1} in pages["misses"]["items"]
    [day] = [each for each in pages["feedback"]["items"] if each["searches"]]
    assert day["model"]
    assert (day["clicked"], day["clicks"]) == (1, 1)
    assert day["voted"] >= 1
    assert day["misses"] < day["searches"]
