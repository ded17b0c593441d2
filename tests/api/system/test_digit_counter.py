"""The counter, as the sticker search's users call it and as /v1/counter."""

from collections import Counter
from typing import Any

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st

from api.system.digit_counter import MOST_DIGITS, occurrences
from tests.support.http.calls import get
from tests.support.rows.databases import sessions as sessions
from tests.support.servers.backends import database_url as database_url
from tests.support.services.in_process import app as app

PATHS = ["/api/counter/", "/api/counter", "/v1/counter"]
FAR = 3_000
NINES = "9" * 1_000


@pytest.fixture
def counted() -> list[Counter[str]]:
    """The digits written so far, at each number up to FAR: counted one by one."""
    found = [Counter[str]()]
    for number in range(1, FAR + 1):
        found.append(found[-1] + Counter(str(number)))
    return found


def test_it_is_what_counting_gives(counted: list[Counter[str]]) -> None:
    for number, digits in enumerate(counted):
        for digit in range(10):
            assert occurrences(digit, str(number)) == digits[str(digit)], (digit, number)


@given(st.integers(0, 9), st.integers(1, 10**40))
def test_a_step_adds_the_digits_of_the_number_stepped_on(digit: int, number: int) -> None:
    step = occurrences(digit, str(number)) - occurrences(digit, str(number - 1))
    assert step == str(number).count(str(digit))


@given(st.integers(0, 10**1000), st.integers(0, 5))
def test_all_digits_together_are_all_that_is_written(number: int, zeros: int) -> None:
    text = "0" * zeros + str(number)
    written = sum(max(0, number - 10**length + 1) for length in range(len(str(number))))
    assert sum(occurrences(digit, text) for digit in range(10)) == written


def ask(app: Flask, path: str, query: str) -> Any:
    return app.test_client().get(f"{path}?{query}")


@pytest.mark.parametrize("path", PATHS)
def test_the_documented_call(app: Flask, path: str) -> None:
    answer = ask(app, path, "digit=7&n=1000")
    assert (answer.status_code, answer.get_json()) == (200, {"digit": 7, "n": 1000, "count": 300})
    assert answer.headers.get("Deprecation") == (None if path == "/v1/counter" else "true")
    link = None if path == "/v1/counter" else '</v1/counter>; rel="successor-version"'
    assert answer.headers.get("Link") == link


def test_the_longest_number_fits_in_a_request(url: str) -> None:
    answer = get(f"{url}/api/counter/?digit=1&n={'1' * MOST_DIGITS}")
    assert answer.status_code == 200
    assert answer.json()["count"] == occurrences(1, "1" * MOST_DIGITS)


@pytest.mark.parametrize("path", PATHS)
def test_a_number_of_any_size_that_fits_is_counted(app: Flask, path: str) -> None:
    nines = ask(app, path, f"digit=0&n={NINES}").get_json()
    assert nines["count"] == 1000 * 10**999 - (10**1000 - 1) // 9
    longest = ask(app, path, f"digit=9&n={'9' * MOST_DIGITS}").get_json()
    assert longest["count"] == MOST_DIGITS * 10 ** (MOST_DIGITS - 1)


BAD = {
    "digit": [
        "digit=10&n=1", "digit=-1&n=1", "digit=x&n=1", "digit=&n=1", "n=1", "digit=%D9%A3&n=1",
    ],
    "n": [
        "digit=1&n=-1", "digit=1&n=1.5", "digit=1&n=1e3", "digit=1&n=", "digit=1",
        "digit=1&n=%D9%A3", "digit=1&n=1%0A", "digit=1&n=+1", "digit=1&n=1_0",
        f"digit=1&n={'1' * (MOST_DIGITS + 1)}", f"digit=1&n={'1' * 5_000}",
    ],
}  # fmt: skip


@pytest.mark.parametrize("path", PATHS)
def test_bad_input_is_refused_by_name(app: Flask, path: str) -> None:
    for blamed, queries in BAD.items():
        for query in queries:
            answer = ask(app, path, query)
            assert answer.status_code == 422, query
            assert set(answer.get_json()["errors"]) == {blamed}, query
            assert answer.content_type == "application/problem+json"
