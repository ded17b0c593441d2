"""PREDICTION_QUOTA: work is counted by what it costs, for accounts and for anonymous networks."""

from typing import Any

import pytest
import requests
from flask import Flask

from common.errors import SettingsError
from common.settings import Settings
from common.settings.parsers import Allowance
from common.tasks import contract
from tests.api.limits.test_limits import Start, refused, upload
from tests.api.limits.test_limits import start_api as start_api
from tests.support.http.accounts import sign_up
from tests.support.http.calls_in_process import photo
from tests.support.services.in_process import app as app
from tests.support.services.in_process import send, statements

OUTLINE, CLASSIFY, SEARCH = (contract(task).units() for task in ("outline", "classify", "search"))


def ask(url: str, task: str, image: str, **more: Any) -> requests.Response:
    content = {"task": task, "image_id": image, **more}
    return requests.post(f"{url}/v1/predictions", json=content, timeout=30)


def stored(url: str) -> str:
    return str(upload(url, photo()).json()["id"])


def send_batch(
    url: str, items: list[dict[str, str]], headers: dict[str, str] | None = None
) -> requests.Response:
    named = [{"custom_id": str(number), **item} for number, item in enumerate(items)]
    return requests.post(f"{url}/v1/batches", json=named, headers=headers, timeout=60)


def test_tasks_are_weighted_by_what_they_cost() -> None:
    assert OUTLINE >= 5 * CLASSIFY > 0
    assert contract("caption").units() > CLASSIFY
    assert contract("classify").units(40_000_000) >= 10 * CLASSIFY, (
        "large images are dear to decode"
    )


def test_predictions_of_a_network_are_counted_in_units(start_api: Start) -> None:
    url = start_api(PREDICTION_QUOTA=f"{2 * OUTLINE + 2}/hour")
    image = stored(url)
    first = ask(url, "outline", image)
    assert first.status_code == 202
    assert first.headers["RateLimit-Policy"].startswith(f'"predictions";q={2 * OUTLINE + 2};w=3600')
    assert f"r={OUTLINE + 2};" in first.headers["RateLimit"]
    assert ask(url, "outline", image, fresh=True).status_code == 202
    third = ask(url, "outline", image)
    assert refused(third, "quota_exceeded")
    said = third.json()["detail"]
    assert f"{2 * OUTLINE + 2} units of work in 3,600 s" in said
    assert "log in" in said and "PREDICTION_QUOTA" in said and "Wait 3," in said
    assert ask(url, "classify", image).status_code == 202, "a cheaper task still fits"
    assert upload(url, photo()).status_code == 201, "an upload without tasks costs no units"
    with_task = requests.post(
        f"{url}/v1/images?tasks=outline", photo(), headers={"Content-Type": "image/png"}, timeout=30
    )
    assert refused(with_task, "quota_exceeded")


def test_what_was_refused_for_another_reason_costs_nothing(start_api: Start) -> None:
    url = start_api(PREDICTION_QUOTA=f"{OUTLINE}/hour")
    image = stored(url)
    assert ask(url, "outline", image, params={"format": "nope"}).status_code == 422
    assert ask(url, "outline", "0" * 32).status_code == 422
    assert ask(url, "outline", image).status_code == 202


def test_a_batch_costs_what_its_items_cost(start_api: Start) -> None:
    url = start_api(PREDICTION_QUOTA=f"{3 * OUTLINE + 1}/hour")
    image = stored(url)
    good = {"task": "outline", "image_id": image}
    lost = {"task": "outline", "image_id": "0197b1d0-0000-7000-8000-000000000000"}

    def batch(*items: dict[str, str]) -> requests.Response:
        return send_batch(url, list(items))

    assert batch(good, good, lost).status_code == 202
    too_many = batch(*[good] * 1_000)
    assert refused(too_many, "quota_exceeded")
    assert "Split the request into smaller ones" in too_many.json()["detail"]
    assert refused(batch(good, good), "quota_exceeded"), "all of it or nothing"
    assert batch(good).status_code == 202, "what the unknown image would have cost was given back"


def test_searches_and_feedback_count(start_api: Start) -> None:
    url = start_api(PREDICTION_QUOTA=f"{SEARCH + 2}/hour", MAX_WAITING="1")
    said = requests.get(f"{url}/v1/search?query=cat", timeout=30)
    assert said.status_code == 503, "no engine runs here"
    assert refused(requests.get(f"{url}/v1/search?query=cat", timeout=30), "quota_exceeded")
    vote = {"feedback": [{"query": "cat", "positive": ["a.jpg", "b.jpg"], "negative": []}]}
    answers = [requests.post(f"{url}/api/feedback", json=vote, timeout=30) for _ in range(2)]
    assert answers[0].status_code < 300, answers[0].text
    assert refused(answers[1], "quota_exceeded")


def test_a_prediction_that_is_done_again_counts(start_api: Start) -> None:
    url = start_api(PREDICTION_QUOTA=f"{2 * OUTLINE}/hour")
    made = ask(url, "outline", stored(url)).json()
    address = f"{url}/v1/predictions/{made['id']}"
    for _ in range(2):
        assert requests.post(f"{address}/cancel", timeout=30).json()["status"] == "canceled"
        last = requests.post(f"{address}/retry", timeout=30)
    assert refused(last, "quota_exceeded")


def test_a_request_that_is_sent_again_with_its_key_is_not_counted_again(start_api: Start) -> None:
    url = start_api(PREDICTION_QUOTA=f"{OUTLINE}/hour")
    image = stored(url)
    headers = {"Idempotency-Key": "3a7b6c1e"}
    content = {"task": "outline", "image_id": image}
    first, again = (
        requests.post(f"{url}/v1/predictions", json=content, headers=headers, timeout=30)
        for _ in range(2)
    )
    assert (first.status_code, again.status_code) == (202, 202)
    assert first.json()["id"] == again.json()["id"]


def test_accounts_have_their_own_and_a_network_has_a_multiple(start_api: Start) -> None:
    url = start_api(PREDICTION_QUOTA=f"{CLASSIFY}/hour", TRUSTED_PROXIES="1")
    image = stored(url)

    def asked(headers: dict[str, str], address: str) -> int:
        content = {"task": "classify", "image_id": image}
        about = headers | {"X-Forwarded-For": address}
        return requests.post(
            f"{url}/v1/predictions", json=content, headers=about, timeout=30
        ).status_code

    accounts = [sign_up(url).headers for _ in range(11)]
    assert [asked(each, "203.0.113.7:1") for each in accounts] == [202] * 10 + [429]
    assert asked(accounts[0], "203.0.113.8") == 429, "an account is itself wherever it is"
    assert asked(accounts[10], "203.0.113.8") == 202
    assert [asked({}, "203.0.113.7:2"), asked({}, "203.0.113.7:3")] == [202, 429]


def test_it_is_on_for_anonymous_callers_by_default_and_not_told(start_api: Start) -> None:
    default = Settings.from_env({}).prediction_quota
    assert default == (Allowance(100_000, 3600), None)
    url = start_api()
    image = stored(url)
    answer = ask(url, "classify", image)
    assert answer.status_code == 202
    assert "RateLimit" not in answer.headers
    items = [{"task": "outline", "image_id": image}] * 1_000
    batches = [send_batch(url, items) for _ in range(10)]
    assert [each.status_code for each in batches] == [202] * 9 + [429]
    assert refused(batches[-1], "quota_exceeded")
    mine = send_batch(url, items[:1], sign_up(url).headers)
    assert mine.status_code == 202, "accounts are not limited by default"


def test_it_can_be_turned_off(start_api: Start) -> None:
    url = start_api(PREDICTION_QUOTA="off")
    image = stored(url)
    items = [{"task": "outline", "image_id": image}] * 1_000
    answer = send_batch(url, items)
    assert (answer.status_code, answer.headers.get("RateLimit")) == (202, None)


def test_an_upload_costs_no_statement_more(app: Flask) -> None:
    send(app, "/v1/images?tasks=classify", photo())
    with statements(app) as sent:
        assert send(app, "/v1/images?tasks=classify", photo()).status_code == 201
    assert not [statement for statement in sent if "counters" in statement], sent


@pytest.mark.parametrize(
    ("text", "anonymous", "account"),
    [
        ("5/hour", Allowance(5, 3600), Allowance(5, 3600)),
        ("anonymous:5/hour", Allowance(5, 3600), None),
        ("anonymous:5/hour, 7/day", Allowance(5, 3600), Allowance(7, 86_400)),
        ("off", None, None),
        ("OFF", None, None),
    ],
)
def test_what_it_may_be_set_to(
    text: str, anonymous: Allowance | None, account: Allowance | None
) -> None:
    assert Settings.from_env({"PREDICTION_QUOTA": text}).prediction_quota == (anonymous, account)


@pytest.mark.parametrize(
    "text", ["5", "5/week", "someone:5/hour", "1/hour,2/hour", ":5/hour", "on"]
)
def test_what_it_may_not_be_set_to(text: str) -> None:
    with pytest.raises(SettingsError, match="PREDICTION_QUOTA"):
        Settings.from_env({"PREDICTION_QUOTA": text})
