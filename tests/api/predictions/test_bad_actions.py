"""What bad requests to cancel, to retry and with a deadline get."""

import json
from datetime import datetime
from typing import Any

import pytest

from tests.support.abuse.bad_requests import (
    PHOTO,
    PREDICTIONS,
    UNKNOWN,
    Case,
    ask,
    asked,
    check_problem,
    post,
)
from tests.support.http.calls import get
from tests.support.http.raw import JPEG, exchange, request
from tests.support.http.raw import field as text

VERBS = ("cancel", "retry")
NO_IDS = ["x", "1", UNKNOWN, UNKNOWN.upper(), "{" + UNKNOWN + "}", UNKNOWN + "0", "%00", "%ff", "*"]
UNFIT: list[Any] = ["60", "", True, [], {}, 0, 0.99, -1, 86_401, 10**30, 10**4000, "\ud800"]
TEXTS = ["x", "0", "0.5", "86401", "-1", "[]", "true", '"60"', "1e9", "٣", "1" * 5000]
NO_JSON = ["x", "NaN", "Infinity", "1e400", "1" * 5000, "٣", "[", "1_0"]

CASES = [
    *(
        Case(28, request("POST", f"{PREDICTIONS}/{id}/{verb}"), 404, "prediction_not_found")
        for verb in VERBS
        for id in NO_IDS
    ),
    *(
        Case(9, request(method, f"{PREDICTIONS}/{UNKNOWN}/{verb}"), 405, "method_not_allowed")
        for verb in VERBS
        for method in ("GET", "PUT", "DELETE")
    ),
    *(
        Case(11, request("POST", f"{PREDICTIONS}/{UNKNOWN}/{verb}", {"X-API-Key": "x"}), 401)
        for verb in VERBS
    ),
    *(
        Case(29, request("POST", f"{PREDICTIONS}/{UNKNOWN}/retry?deadline={bad}"), 422, "invalid",
             "deadline")
        for bad in ("", "x", "0", "0.99", "86400.1", "nan", "inf", "-1", "%00", "0x1", "1_0",
                    "%D9%A3", "1e400")
    ),
    *(Case(4, ask(deadline=bad), 422, "invalid", "deadline") for bad in UNFIT),
    *(Case(4, asked(text("deadline", bad)), 422, "invalid", "deadline") for bad in TEXTS),
    *(Case(5, asked(text("deadline", bad)), 422, "invalid", "deadline") for bad in NO_JSON),
    *(
        Case(4, post(PHOTO, f"{PREDICTIONS}?task=classify&deadline={bad}", JPEG), 422, "invalid",
             "deadline")
        for bad in ("x", "0", "86401", "-1", "NaN", "%00", "1&deadline=2")
    ),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_bad_request_gets_its_answer(url: str, case: Case) -> None:
    said = check_problem(exchange(url, case.sent), case.status)
    assert not case.code or said["code"] == case.code, said
    assert not case.blamed or case.blamed in said["errors"], said


@pytest.mark.parametrize(("given", "kept"), [(1, 1), (1.5, 1.5), (86_400, 86_400), ("", 900)])
def test_a_deadline_is_kept_in_every_form(url: str, given: Any, kept: float) -> None:
    query = post(PHOTO, f"{PREDICTIONS}?task=classify&deadline={given}", JPEG)
    json_ = ask(**({"deadline": given} if given else {}))
    for sent in (query, json_, asked(text("deadline", str(given)))):
        answer = exchange(url, sent)
        assert answer.status in (200, 202), answer.body
        row = json.loads(answer.body)
        whole = get(f"{url}{PREDICTIONS}/{row['id']}").json()
        assert seconds_between(whole["created_at"], whole["deadline_at"]) == pytest.approx(
            kept, abs=0.5
        )


def seconds_between(first: str, second: str) -> float:
    return (datetime.fromisoformat(second) - datetime.fromisoformat(first)).total_seconds()
