"""Pages of other origins, and what answers let browsers do."""

from collections.abc import Iterator

import pytest
import requests

from common.errors import SettingsError
from common.settings import Settings
from tests.support.services.idle_api import only_api

FRIEND, STRANGER = "https://a.example", "https://b.example"
ASKS = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"}


@pytest.fixture(scope="module")
def friendly(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with only_api(
        tmp_path_factory.mktemp("friendly"), CORS_ORIGINS=f"{FRIEND}, http://c.example:8080",
        TRUSTED_PROXIES="1",
    ) as running:  # fmt: skip
        yield running.base_url


def preflight(url: str, origin: str) -> requests.Response:
    headers = {"Origin": origin, **ASKS}
    return requests.options(f"{url}/v1/predictions", headers=headers, timeout=30)


def test_a_page_of_a_friend_may_ask_and_read(friendly: str) -> None:
    asked = preflight(friendly, FRIEND)
    assert (asked.status_code, asked.content) == (204, b"")
    assert asked.headers["Access-Control-Allow-Origin"] == FRIEND
    assert "POST" in asked.headers["Access-Control-Allow-Methods"]
    assert "authorization" in asked.headers["Access-Control-Allow-Headers"].lower()
    for path, status in (("/v1/tasks", 200), ("/v1/predictions/x", 404), ("/v1/images", 401)):
        answer = requests.get(friendly + path, headers={"Origin": FRIEND}, timeout=30)
        assert (answer.status_code, answer.headers["Access-Control-Allow-Origin"]) == (
            status,
            FRIEND,
        )
        assert "Retry-After" in answer.headers["Access-Control-Expose-Headers"]
        assert "Origin" in answer.headers["Vary"]
        assert "Access-Control-Allow-Credentials" not in answer.headers


def test_a_page_may_send_the_headers_that_its_libraries_add(friendly: str) -> None:
    wanted = "cache-control,x-requested-with, traceparent"
    headers = {"Origin": FRIEND, **ASKS, "Access-Control-Request-Headers": wanted}
    answer = requests.options(f"{friendly}/v1/images", headers=headers, timeout=30)
    allowed = answer.headers["Access-Control-Allow-Headers"].replace(" ", "").split(",")
    assert {"cache-control", "x-requested-with", "traceparent", "Authorization"} <= set(allowed)
    for nonsense in ("a b", "a:b", ",", "x-a,"):
        headers |= {"Access-Control-Request-Headers": nonsense}
        answer = requests.options(f"{friendly}/v1/images", headers=headers, timeout=30)
        assert nonsense not in answer.headers["Access-Control-Allow-Headers"].split(", ")
        assert "Authorization" in answer.headers["Access-Control-Allow-Headers"]


@pytest.mark.parametrize("origin", [STRANGER, "null", f"{FRIEND}.evil", f"{FRIEND}:444", ""])
def test_a_page_of_a_stranger_may_not(friendly: str, origin: str) -> None:
    assert "Access-Control-Allow-Origin" not in preflight(friendly, origin).headers
    answer = requests.get(f"{friendly}/v1/tasks", headers={"Origin": origin}, timeout=30)
    assert "Access-Control-Allow-Origin" not in answer.headers
    assert "Origin" in answer.headers["Vary"], "caches must keep them apart"


@pytest.mark.parametrize("text", ["a.example", "https://a.example/path", "ftp://a.example", "*,x"])
def test_what_is_no_origin_is_a_wrong_setting(text: str) -> None:
    with pytest.raises(SettingsError, match="CORS_ORIGINS"):
        Settings.from_env({"CORS_ORIGINS": text})


def test_answers_let_browsers_do_as_little_as_they_need(friendly: str) -> None:
    page = requests.get(f"{friendly}/", headers={"Accept": "text/html"}, timeout=30)
    answer = requests.get(f"{friendly}/v1/tasks", timeout=30)
    for each in (page, answer):
        assert each.headers["X-Content-Type-Options"] == "nosniff"
        assert each.headers["Referrer-Policy"] == "no-referrer"
        assert "frame-ancestors 'none'" in each.headers["Content-Security-Policy"]
        assert "Strict-Transport-Security" not in each.headers, "this is not https"
    assert page.headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    proxied = {"X-Forwarded-Proto": "https"}
    secure = requests.get(f"{friendly}/v1/tasks", headers=proxied, timeout=30)
    assert secure.headers["Strict-Transport-Security"] == "max-age=31536000"
