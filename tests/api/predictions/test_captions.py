"""Captions over HTTP, of a standalone service as it comes: offline, from labels."""

from tests.support.http.calls import forms, get, post


def test_a_caption_is_asked_for_and_comes(url: str, cat: bytes) -> None:
    asked = post(f"{url}/v1/predictions?task=caption&wait=30", **forms(cat)["multipart"])
    said = asked.json()
    assert (asked.status_code, said["status"]) == (200, "succeeded")
    assert said["result"] == {
        "text": "Probably an Egyptian cat; possibly a tabby.",
        "source": "labels",
    }
    assert said["model"]["name"] == "mobilenet_v2_1.0_224"
    assert get(said["urls"]["get"]).json()["result"] == said["result"]


def test_the_contract_says_what_a_provider_gets_to_see(url: str) -> None:
    [task] = [item for item in get(f"{url}/v1/tasks").json()["items"] if item["name"] == "caption"]
    assert task["params"]["properties"] == {}
    assert set(task["result"]["properties"]) == {"text", "source", "model", "tokens", "cost_usd"}
    assert "metadata" in task["result"]["properties"]["source"]["description"]
