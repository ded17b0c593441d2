"""/v1/batches: many predictions at once, followed as one."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.support.http.batches import PNG, done, item, results, send, stored
from tests.support.http.batches import service as service
from tests.support.http.calls import get, post
from tests.support.images.pictures import encode, picture
from tests.support.services.served import served
from tests.support.services.served import stack as stack

BROKEN = PNG[:60] + bytes(40) + PNG[100:]
FORMS = ["list", "object", "x-ndjson", "jsonl"]


@pytest.fixture
def idle(tmp_path: Path) -> Iterator[str]:
    """A service without an engine: what is queued stays so."""
    database, storage = f"sqlite:///{tmp_path}/a.db", f"file://{tmp_path}/objects"
    with served(tmp_path, database, "memory://", storage, engine=False) as found:
        yield found.base_url


@pytest.mark.parametrize("form", FORMS)
def test_a_batch_is_sent_in_every_form(service: str, form: str, cat: bytes) -> None:
    image = stored(service, cat)
    batch = send(service, [item(image, "é😀", params={"top_k": 1}), item(image, "2")], form)
    assert done(batch) == {"succeeded": 2}
    first, second = results(batch)
    assert (first["custom_id"], first["status"], first["error"]) == ("é😀", "succeeded", None)
    assert [label["name"] for label in first["result"]["labels"]] == ["Egyptian cat"]
    assert {"cat", "animal"} <= {term["name"] for term in second["result"]["broader"]}
    prediction = get(f"{service}/v1/predictions/{second['prediction_id']}").json()
    assert prediction["result"] == second["result"]


@pytest.mark.slow
def test_a_thousand_items_are_all_done(service: str) -> None:
    images = [stored(service, encode(picture(seed=number), "PNG")) for number in range(3)]
    batch = send(service, [item(images[n % 3], f"item {n}") for n in range(1000)], "jsonl")
    assert done(batch, 120) == {"succeeded": 1000}
    rows = results(batch)
    assert [row["custom_id"] for row in rows] == [f"item {n}" for n in range(1000)]
    assert len({row["prediction_id"] for row in rows}) == 1000
    seen: list[dict[str, Any]] = []
    address: str | None = batch["urls"]["items"] + "?status=succeeded"
    while address:
        page = get(address)
        seen += page.json()["items"]
        following = page.links.get("next")
        assert (following is None) == (page.json()["next"] is None)
        address = following["url"] if following else None
    assert [each["position"] for each in seen] == list(range(1000))


def test_cancel_ends_what_is_queued(idle: str) -> None:
    image = stored(idle)
    batch = send(idle, [item(image, "1"), item(image, "2"), 3])
    assert batch["status"] == "in_progress"
    assert (batch["counts"]["queued"], batch["counts"]["rejected"]) == (2, 1)
    assert [row["status"] for row in results(batch)] == ["queued", "queued", "rejected"]
    for _ in range(2):
        canceled = post(batch["urls"]["cancel"]).json()
        assert canceled["status"] == "finished"
        assert (canceled["counts"]["canceled"], canceled["counts"]["rejected"]) == (2, 1)
    assert [row["error"]["code"] for row in results(batch)] == ["canceled", "canceled", "invalid"]
    assert post(batch["urls"]["retry"]).json()["counts"]["queued"] == 0, "canceled on purpose"


def test_retry_has_the_failed_done_again(service: str) -> None:
    broken, image = stored(service, BROKEN), stored(service)
    batch = send(service, [item(broken, "broken"), item(image, "good"), 3])
    counts = {"succeeded": 1, "failed": 1, "rejected": 1}
    assert done(batch) == counts
    before = {row["custom_id"]: row for row in results(batch)}
    assert before["broken"]["error"]["code"] == "image_undecodable"
    post(batch["urls"]["retry"])
    assert done(batch) == counts
    for name, attempts in (("broken", 2), ("good", 1)):
        address = f"{service}/v1/predictions/{before[name]['prediction_id']}"
        assert get(address).json()["attempts"] == attempts


def test_a_batch_sent_again_with_its_key_is_the_same_batch(service: str) -> None:
    image = stored(service)
    key = {"Idempotency-Key": f"batch of {image}"}
    first = send(service, [item(image, "1")], **key)
    assert send(service, [item(image, "1")], **key)["id"] == first["id"]
    other = {"items": [item(image, "2")]}
    refused = requests.post(f"{service}/v1/batches", json=other, headers=key, timeout=30)
    assert (refused.status_code, refused.json()["code"]) == (422, "idempotency_key_reused")
    assert send(service, [item(image, "1")])["id"] != first["id"]
