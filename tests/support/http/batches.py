"""Batches as an ordinary client sends and follows them."""

import json
from typing import Any

import pytest

from tests.support.http.calls import PATIENCE, forms, get, post, until
from tests.support.images.pictures import encode, picture
from tests.support.services.processes import Running
from tests.support.services.served import Stack

PNG = encode(picture(), "PNG")
LINES = {"Content-Type": "application/x-ndjson"}


@pytest.fixture(params=["standalone", "served"])
def service(request: pytest.FixtureRequest) -> str:
    name = "whole_service" if request.param == "standalone" else "stack"
    running: Running | Stack = request.getfixturevalue(name)
    return running.base_url


def stored(url: str, data: bytes = PNG) -> str:
    id: str = post(f"{url}/v1/images", **forms(data)["raw"]).json()["id"]
    return id


def item(image: str, custom_id: str, **more: Any) -> dict[str, Any]:
    return {"custom_id": custom_id, "image_id": image, "task": "classify", **more}


def lines_of(items: list[Any]) -> bytes:
    return "".join(json.dumps(each) + "\n" for each in items).encode()


def send(url: str, items: list[Any], form: str = "object", **headers: str) -> dict[str, Any]:
    """The batch as it was accepted."""
    sent: dict[str, Any] = {"json": {"items": items} if form == "object" else items}
    if form in ("x-ndjson", "jsonl"):
        sent = {"data": lines_of(items), "headers": {"Content-Type": f"application/{form}"}}
    sent["headers"] = sent.get("headers", {}) | headers
    answer = post(f"{url}/v1/batches", **sent)
    assert answer.status_code == 202
    batch: dict[str, Any] = answer.json()
    assert answer.headers["Location"] == f"/v1/batches/{batch['id']}"
    assert batch["total"] == len(items) == sum(batch["counts"].values())
    return batch


def done(batch: dict[str, Any], seconds: float = PATIENCE) -> dict[str, int]:
    """The counts that are not 0 once all of it is finished."""

    def look() -> dict[str, Any] | None:
        found: dict[str, Any] = get(batch["urls"]["get"]).json()
        return found if found["status"] == "finished" else None

    counts = until(look, seconds, "a batch")["counts"]
    return {status: count for status, count in counts.items() if count}


def results(batch: dict[str, Any]) -> list[dict[str, Any]]:
    answer = get(batch["urls"]["results"])
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/x-ndjson")
    assert answer.content.endswith(b"\n")
    return [json.loads(line) for line in answer.content.splitlines()]
