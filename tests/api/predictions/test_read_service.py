"""The task `read` over HTTP: an invoice, what is refused, and the search for its text."""

import json
from typing import Any

import pytest
import requests
from PIL import Image

from tests.support.http.accounts import Account, sign_up
from tests.support.http.calls import LONGEST_WAIT, get, post, until
from tests.support.images.made_texts import INVOICE, invoice
from tests.support.images.pictures import encode

pytestmark = pytest.mark.slow

SOON = 60.0  # seconds until an upload is indexed, on a busy machine


def ask(url: str, data: bytes, owner: Account | None = None, **fields: str) -> dict[str, Any]:
    options: dict[str, Any] = {"headers": owner.headers} if owner else {}
    row: dict[str, Any] = post(
        f"{url}/v1/predictions",
        params={"wait": str(LONGEST_WAIT)},
        data={"task": "read", **fields},
        files={"file": ("scan.png", data)},
        **options,
    ).json()
    assert (row["task"], row["status"]) == ("read", "succeeded"), row["error"]
    return row


def found(url: str, query: str, caller: Account | None = None) -> dict[str, str]:
    """The reason for each image that the caller's search returns."""
    options: dict[str, Any] = {"headers": caller.headers} if caller else {}
    answer = get(f"{url}/v1/search", params={"query": query, "wait": "10"}, **options)
    return {each["image"]["id"]: each["why"] for each in answer.json()["items"]}


def test_an_invoice_is_read(url: str) -> None:
    row = ask(url, encode(invoice(), "PNG"))
    assert [line["text"] for line in row["result"]["lines"]] == list(INVOICE)
    assert (row["result"]["width"], row["result"]["height"]) == invoice().size
    assert row["model"]["name"] == "pp-ocrv6_tiny"


def test_an_empty_picture_has_no_lines(url: str) -> None:
    row = ask(url, encode(Image.new("RGB", (300, 200), "white"), "PNG"))
    assert row["result"] == {"width": 300, "height": 200, "lines": [], "is_complete": True}


@pytest.mark.parametrize("params", [{"min_score": 2}, {"max_lines": 0}, {"script": "Latin"}])
def test_params_that_cannot_be_are_refused(url: str, params: dict[str, Any]) -> None:
    answer = requests.post(
        f"{url}/v1/predictions",
        data={"task": "read", "params": json.dumps(params)},
        files={"file": ("scan.png", encode(invoice(), "PNG"))},
        timeout=30,
    )
    assert (answer.status_code, answer.json()["code"]) == (422, "params_invalid")
    assert list(answer.json()["errors"]["params"]) == list(params)


def test_a_search_finds_a_public_receipt_by_its_text(url: str) -> None:
    data = encode(invoice((901, 620)), "PNG")
    image = ask(url, data, visibility="public")["image_id"]
    why = until(lambda: found(url, "invoice 2041").get(image), SOON, "the receipt is found")
    assert "text: invoice 2041" in why


def test_a_private_receipt_is_found_by_its_owner_alone(url: str) -> None:
    """A public copy with the same text shows that the search answers at all."""
    owner, other = sign_up(url, "receipt-owner"), sign_up(url, "receipt-other")
    private = ask(url, encode(invoice((902, 620)), "PNG"), owner, visibility="private")["image_id"]
    public = ask(url, encode(invoice((903, 620)), "PNG"), visibility="public")["image_id"]
    query = "quayside heron hardware"
    both = {private, public}
    until(lambda: found(url, query, owner).keys() >= both, SOON, "the owner finds both")
    assert f"text: {query}" in found(url, query, owner)[private]
    for caller in (None, other):
        seen = found(url, query, caller)
        assert public in seen
        assert private not in seen
