"""Webhooks over HTTP: asked for at the door, delivered by the engine, looked at and made again."""

import base64
import json
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
import requests

from common.webhooks.receivers import LONGEST_URL
from common.webhooks.secrets import new_secret
from tests.support.abuse.bad_requests import PHOTO
from tests.support.http.calls import FORMS, PATIENCE, forms, get, post, until
from tests.support.services.processes import Running, standalone
from tests.support.webhooks.receivers import Sink, answer, sinking

pytestmark = pytest.mark.slow

PUBLIC = "https://hooks.invalid/hook"
DATA = base64.b64encode(PHOTO).decode()


@pytest.fixture(scope="module")
def telling(models: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """Standalone that may send webhooks to this machine."""
    folder = tmp_path_factory.mktemp("telling")
    settings = {"MODEL_MIRROR": "", "MODEL_DIR": models, "WEBHOOK_ALLOWED_NETWORKS": "127.0.0.0/8"}
    with standalone(folder, **settings) as running:
        yield running


@pytest.fixture
def sink() -> Iterator[Sink]:
    with sinking() as found:
        yield found


def asked(url: str, webhook: Any, **more: Any) -> requests.Response:
    sent = {"task": "classify", "data": DATA, "webhook": webhook, **more}
    return requests.post(f"{url}/v1/predictions", json=sent, timeout=PATIENCE)


def deliveries(url: str, id: str, **query: Any) -> requests.Response:
    return get(f"{url}/v1/webhooks/deliveries", params={"prediction_id": id, **query})


def settled(url: str, id: str) -> dict[str, Any]:
    """The delivery once its state is not `pending`."""

    def look() -> Any:
        items = deliveries(url, id).json()["items"]
        return items[0] if items and items[0]["state"] != "pending" else None

    found: dict[str, Any] = until(look, PATIENCE, "the delivery")
    return found


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("path", ["/v1/predictions", "/v1/images"])
def test_a_webhook_tells_what_get_shows(telling: Running, sink: Sink, form: str, path: str) -> None:
    url, sent, fields = telling.base_url, forms(PHOTO)[form], {"webhook": sink.url}
    query = {} if path == "/v1/predictions" else {"tasks": "classify"}
    fields |= {"task": "classify"} if path == "/v1/predictions" else {}
    if form == "base64":
        sent["json"] |= fields
    else:
        sent["data" if "files" in sent else "params"] = fields
    query |= sent.pop("params", {})
    row = post(f"{url}{path}", params=query, **sent).json()
    id = row["id"] if path == "/v1/predictions" else row["predictions"][0]["id"]
    assert settled(url, id)["state"] == "delivered"
    [got] = sink.got
    payload = json.loads(got.body)
    shown = get(f"{url}/v1/predictions/{id}").json()
    assert shown.pop("urls")
    assert payload.keys() == {"type", "timestamp", "account", "data"}
    assert payload["type"] == "prediction.succeeded"
    assert payload["timestamp"] == shown["finished_at"]
    assert payload["data"] == shown
    assert got.id == id


def test_a_caller_may_give_a_secret(telling: Running, sink: Sink) -> None:
    secret = new_secret()
    row = asked(telling.base_url, {"url": sink.url, "secret": secret}).json()
    settled(telling.base_url, row["id"])
    assert sink.got[0].verified(secret)["data"]["id"] == row["id"]
    assert secret not in get(f"{telling.base_url}/v1/predictions/{row['id']}").text


def test_a_result_that_is_known_already_is_told_too(telling: Running, sink: Sink) -> None:
    post(f"{telling.base_url}/v1/predictions?wait=30", json={"task": "classify", "data": DATA})
    row = asked(telling.base_url, sink.url).json()
    assert settled(telling.base_url, row["id"])["state"] == "delivered"
    assert sink.ids() == [row["id"]]


def test_a_delivery_is_made_again_on_request(telling: Running, sink: Sink) -> None:
    url = telling.base_url
    sink.script = [answer(410)]
    id = asked(url, sink.url).json()["id"]
    first = settled(url, id)
    assert (first["state"], first["status_code"], first["attempts"]) == ("disabled", 410, 1)
    assert first["next_attempt_at"] is None
    assert first["error"]
    again = requests.post(f"{url}/v1/webhooks/deliveries/{id}/redeliver", timeout=PATIENCE)
    assert again.status_code == 202
    assert (again.json()["state"], again.json()["prediction_id"]) == ("pending", id)
    assert again.json()["next_attempt_at"] is not None
    second = settled(url, id)
    assert (second["state"], second["status_code"], second["error"]) == ("delivered", 204, None)
    assert sink.ids() == [id, id]
    assert sink.url not in json.dumps([first, second])


def test_deliveries_are_listed_in_pages(telling: Running, sink: Sink) -> None:
    url = telling.base_url
    id = asked(url, sink.url).json()["id"]
    settled(url, id)
    page = deliveries(url, id, limit=1).json()
    assert ([each["prediction_id"] for each in page["items"]], page["next"]) == ([id], None)
    assert deliveries(url, id, cursor=id).json() == {"items": [], "next": None}


def test_a_prediction_without_a_webhook_has_no_deliveries(url: str) -> None:
    sent = {"task": "classify", "data": DATA, "webhook": None}
    id = post(f"{url}/v1/predictions?wait=30", json=sent).json()["id"]
    assert deliveries(url, id).json() == {"items": [], "next": None}
    again = requests.post(f"{url}/v1/webhooks/deliveries/{id}/redeliver", timeout=PATIENCE)
    assert (again.status_code, again.json()["code"]) == (404, "delivery_not_found")


def test_unknown_ids_are_unknown(url: str) -> None:
    found = deliveries(url, str(uuid4()))
    assert (found.status_code, found.json()["code"]) == (404, "prediction_not_found")
    for id in (str(uuid4()), "nonsense"):
        path = f"{url}/v1/webhooks/deliveries/{id}/redeliver"
        assert requests.post(path, timeout=PATIENCE).status_code == 404
    anybodys = get(f"{url}/v1/webhooks/deliveries")
    assert (anybodys.status_code, anybodys.json()["code"]) == (401, "token_missing")
    for query in ({"prediction_id": "nonsense"}, {"prediction_id": str(uuid4()), "limit": 0}):
        found = get(f"{url}/v1/webhooks/deliveries", params=query)
        assert (found.status_code, found.json()["code"]) == (422, "invalid")


def test_the_services_secret_is_not_for_anonymous_callers(url: str) -> None:
    refused = requests.post(f"{url}/v1/webhooks/rotate-secret", timeout=PATIENCE)
    assert (refused.status_code, refused.json()["code"]) == (401, "token_missing")
    assert "whsec_" not in refused.text


MALFORMED = [
    7, [PUBLIC], True, {}, {"url": 7}, {"url": PUBLIC, "other": 1}, {"secret": new_secret()},
    {"url": PUBLIC, "secret": "whsec_" + "x"}, {"url": PUBLIC, "secret": "x" * 40},
]  # fmt: skip
NOT_ALLOWED = [
    "x", "ftp://hooks.invalid/", "https://", "https://u:p@hooks.invalid/", {"url": ""},
    "https://hooks.invalid/" + "a" * LONGEST_URL, {"url": "http://[::1]/"},
    "http://hooks.invalid/", "https://hooks.invalid:22/", "https://hooks.invalid:25/",
    "http://127.0.0.1/", "http://127.1/", "http://2130706433/", "http://169.254.169.254/",
    "http://[::ffff:10.0.0.1]/", "http://[64:ff9b::7f00:1]/", "http://100.64.0.1/", "http://0/",
]  # fmt: skip


@pytest.mark.parametrize(
    ("webhook", "code"),
    [
        *((each, "invalid") for each in MALFORMED),
        *((each, "url_not_allowed") for each in NOT_ALLOWED),
    ],
)
def test_what_cannot_be_a_webhook_is_refused_at_the_door(url: str, webhook: Any, code: str) -> None:
    refused = asked(url, webhook)
    assert (refused.status_code, refused.json()["code"]) == (422, code), refused.text
    assert set(refused.json()["errors"]) == {"webhook"}


@pytest.mark.parametrize("path", ["/v1/predictions", "/v1/images"])
def test_a_form_that_was_not_filled_in_wants_no_webhook(url: str, path: str) -> None:
    fields = {"webhook": ""} | ({"task": "classify"} if path == "/v1/predictions" else {})
    post(f"{url}{path}", data=fields, files={"file": PHOTO})


def test_a_webhook_of_nothing_is_refused(url: str) -> None:
    sent = {"data": DATA, "webhook": PUBLIC}
    refused = requests.post(f"{url}/v1/images", json=sent, timeout=PATIENCE)
    assert (refused.status_code, set(refused.json()["errors"])) == (422, {"webhook"})
