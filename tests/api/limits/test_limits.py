"""Rate limits and quotas where they are set, over HTTP and across processes."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import Any

import pytest
import requests

from common.errors import SettingsError
from common.settings import Settings
from tests.support.http.accounts import sign_up
from tests.support.http.calls_in_process import photo
from tests.support.services.idle_api import only_api

PNG = {"Content-Type": "image/png"}
Start = Callable[..., str]


@pytest.fixture
def start_api(tmp_path: Path) -> Iterator[Start]:
    """Start an API with these settings; returns where it answers."""
    with ExitStack() as stack:

        def started(**env: str) -> str:
            running: AbstractContextManager[Any] = only_api(tmp_path, **env)
            return str(stack.enter_context(running).base_url)

        yield started


def upload(url: str, data: bytes, headers: dict[str, str] | None = None) -> requests.Response:
    return requests.post(f"{url}/v1/images", data, headers=PNG | (headers or {}), timeout=30)


def refused(answer: requests.Response, code: str) -> bool:
    """Whether it was refused for this reason, saying when to come back."""
    if answer.status_code != 429:
        return False
    assert answer.json()["code"] == code
    assert answer.headers["Content-Type"] == "application/problem+json"
    return 1 <= int(answer.headers["Retry-After"]) <= 86_401


def test_nothing_is_limited_unless_it_is_set(url: str) -> None:
    answer = requests.get(f"{url}/v1/tasks", timeout=30)
    assert not {"RateLimit", "RateLimit-Policy", "Access-Control-Allow-Origin"} & set(
        answer.headers
    )


def test_too_many_requests_are_refused_by_all_processes_together(start_api: Start) -> None:
    url = start_api(RATE_LIMIT="10/hour", WEB_PROCESSES="2")
    with ThreadPoolExecutor(16) as threads:
        ask = lambda _: requests.get(f"{url}/v1/tasks", timeout=30)  # noqa: E731
        answers = list(threads.map(ask, range(16)))
    assert [answer.status_code for answer in answers].count(200) == 10
    assert sum(refused(answer, "rate_limited") for answer in answers) == 6
    assert requests.get(f"{url}/healthz", timeout=30).status_code == 200


def test_what_is_left_is_told(start_api: Start) -> None:
    url = start_api(RATE_LIMIT="3/minute")
    told = [requests.get(f"{url}/v1/tasks", timeout=30).headers for _ in range(4)]
    assert {headers["RateLimit-Policy"] for headers in told} == {'"requests";q=3;w=60'}
    left = [headers["RateLimit"].split(";") for headers in told]
    assert [parts[:2] for parts in left] == [['"requests"', f"r={n}"] for n in (2, 1, 0, 0)]
    assert all(0 < int(parts[2].removeprefix("t=")) <= 61 for parts in left)


def test_an_account_is_counted_apart_from_its_address(start_api: Start) -> None:
    url = start_api(RATE_LIMIT="4/hour")
    headers = sign_up(url).headers  # two requests of the address
    asked = [requests.get(f"{url}/v1/images", headers=headers, timeout=30) for _ in range(5)]
    assert [answer.status_code for answer in asked] == [200] * 4 + [429]
    anonymous = [requests.get(f"{url}/v1/tasks", timeout=30).status_code for _ in range(3)]
    assert anonymous == [200, 200, 429]


@pytest.mark.parametrize(
    "credentials",
    [{"X-API-Key": "aft_bogus"}, {"Authorization": "Bearer x"}, {"Authorization": "Bearer aft_x"}],
)
def test_refused_credentials_are_limited_and_count_tenfold(
    start_api: Start, credentials: dict[str, str]
) -> None:
    url = start_api(RATE_LIMIT="3/minute", TRUSTED_PROXIES="1")

    def ask(address: str, headers: dict[str, str], path: str = "/v1/tasks") -> requests.Response:
        return requests.get(url + path, headers={"X-Forwarded-For": address} | headers, timeout=30)

    answers = [ask(f"203.0.113.7:{port}", credentials) for port in range(4000, 4006)]
    assert [answer.status_code for answer in answers] == [401] * 3 + [429] * 3
    assert refused(answers[-1], "rate_limited")
    assert ask("203.0.113.7", credentials, "/healthz").status_code == 429, "nor at the probes"
    assert ask("203.0.113.7", {}).status_code == 429, "the network has used up its share"
    assert ask("203.0.113.8", credentials).status_code == 401, "others have theirs"
    assert ask("203.0.113.7", {}, "/healthz").status_code == 200, "a probe needs no credentials"


def test_a_network_has_a_multiple_of_what_an_account_has(start_api: Start) -> None:
    url = start_api(RATE_LIMIT="3/hour", TRUSTED_PROXIES="1")
    accounts = []
    for number in range(10):  # each from a network of its own: signing up counts, too
        address = {"X-Forwarded-For": f"198.51.100.{number}"}
        name, password = f"anna{number}", "correct horse battery"
        new = {"name": name, "email": f"{name}@example.org", "password": password}
        requests.post(f"{url}/v1/users", json=new, headers=address, timeout=30)
        form = {"username": name, "password": password}
        token = requests.post(f"{url}/token", data=form, headers=address, timeout=30).json()
        accounts.append({"Authorization": f"Bearer {token['access_token']}"})
    here = {"X-Forwarded-For": "203.0.113.7"}
    asked = [
        requests.get(f"{url}/v1/tasks", headers=account | here, timeout=30)
        for account in accounts
        for _ in range(3)
    ]
    assert [answer.status_code for answer in asked] == [200] * 30
    assert refused(requests.get(f"{url}/v1/tasks", headers=here, timeout=30), "rate_limited")
    away = {"X-Forwarded-For": "203.0.113.8"}
    again = requests.get(f"{url}/v1/tasks", headers=accounts[0] | away, timeout=30)
    assert again.status_code == 429, "the account's own is used up wherever it is"


def test_a_refusal_says_what_is_allowed_until_when_and_who_sets_it(start_api: Start) -> None:
    url = start_api(RATE_LIMIT="1/hour")
    last = [requests.get(f"{url}/v1/tasks", timeout=30) for _ in range(2)][-1]
    assert refused(last, "rate_limited")
    said = last.json()["detail"]
    assert "1 requests in 3,600 s" in said
    assert f"Wait {int(last.headers['Retry-After']):,} s" in said
    assert "log in" in said and "RATE_LIMIT" in said


def test_a_quota_counts_new_images_alone(start_api: Start) -> None:
    url = start_api(UPLOAD_QUOTA="2/day")
    headers = sign_up(url).headers
    first = photo()
    assert upload(url, first, headers).status_code == 201
    assert upload(url, b"no image", headers).status_code == 415
    assert upload(url, first, headers).status_code == 200, "the same again is nothing new"
    second = upload(url, photo(), headers)
    assert second.status_code == 201
    assert second.headers["RateLimit-Policy"] == '"uploads";q=2;w=86400'
    assert second.headers["RateLimit"].startswith('"uploads";r=0;t=')
    assert refused(upload(url, photo(), headers), "quota_exceeded")
    assert upload(url, photo()).status_code == 201, "the address has its own"


def test_a_quota_of_bytes(start_api: Start) -> None:
    data = photo()
    most = 4 * len(data)
    url = start_api(BYTES_QUOTA=f"{most}/day", UPLOAD_QUOTA="9/day")
    answer = upload(url, data)
    assert answer.status_code == 201
    policies = answer.headers["RateLimit-Policy"]
    assert policies == f'"uploads";q=9;w=86400, "bytes";q={most};w=86400;qu="content-bytes"'
    assert refused(upload(url, photo() + bytes(most)), "quota_exceeded")
    spent = requests.get(f"{url}/v1/tasks", timeout=30)
    assert "RateLimit" not in spent.headers, "only uploads count"
    left = upload(url, photo()).headers["RateLimit"]
    assert left.startswith('"uploads";r=7;'), "nor what was refused"


def test_many_uploads_at_once_stay_within_the_quota(start_api: Start) -> None:
    url = start_api(UPLOAD_QUOTA="5/day")
    photos = [photo() for _ in range(12)]
    with ThreadPoolExecutor(12) as threads:
        answers = list(threads.map(lambda data: upload(url, data), photos))
    assert [answer.status_code for answer in answers].count(201) == 5
    assert sum(refused(answer, "quota_exceeded") for answer in answers) == 7


@pytest.mark.parametrize("text", ["100", "0/day", "-1/day", "x/day", "5/week", "1.5/day"])
def test_a_limit_that_is_none_is_a_wrong_setting(text: str) -> None:
    with pytest.raises(SettingsError, match="RATE_LIMIT"):
        Settings.from_env({"RATE_LIMIT": text})
