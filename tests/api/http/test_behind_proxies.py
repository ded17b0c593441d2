"""Behind proxies: path prefixes, odd forwarded headers, and the host names that are answered."""

import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from api.app import close, create_app
from common.errors import SettingsError
from common.services import open_services
from common.settings import Settings
from tests.support.images.pictures import encode, picture
from tests.support.rows.databases import migrate

PAGES = ("/", "/gallery", "/docs", "/admin/login/")
FORWARDED = {
    "X-Forwarded-Prefix": "/ai",
    "X-Forwarded-Proto": "https",
    "X-Forwarded-Host": "h.example",
    "X-Forwarded-For": "203.0.113.7",
}


@contextmanager
def application(folder: Path, **given: str) -> Iterator[Flask]:
    url = f"sqlite:///{folder}/afterimage.db"
    migrate(url, folder)
    settings = Settings.from_env({"DATA_DIR": str(folder), "JWT_SECRET": "x" * 64, **given})
    with ExitStack() as stack:
        app = create_app(stack.enter_context(open_services(settings)))
        stack.callback(close, app)
        yield app


def links_of(html: str) -> list[str]:
    found = re.findall(r'(?:href|src|action|data-[a-z-]+)="([^"]*)"', html)
    return [each for each in found if each.startswith("/") or "://" in each]


def everything_is_below(client: Any, path: str, headers: dict[str, str]) -> None:
    """Every link, redirect, cookie and static file of the pages begins with /ai."""
    below = re.compile(r"(https://h\.example)?/ai(/|$)")
    for page in PAGES:
        answer = client.get(path + page, headers=headers | {"Accept": "text/html"})
        assert answer.status_code == 200, page
        assert links_of(answer.text)
        for link in links_of(answer.text):
            assert below.match(link), (page, link)
        for asset in re.findall(r'src="/ai(/[^"]+\.js)"', answer.text):
            assert client.get(path + asset, headers=headers).status_code == 200
    redirected = client.get(path + "/admin/", headers=headers)
    assert below.match(redirected.headers["Location"])
    body = encode(picture(), "PNG")
    made = client.post(
        path + "/v1/images?tasks=classify", data=body, headers=headers, content_type="image/png"
    )
    assert made.status_code == 201
    for link in (made.headers["Location"], *made.json["urls"].values()):
        assert below.match(link)
    assert client.get(path + "/openapi.json", headers=headers).json["servers"] == [{"url": "/ai"}]
    refused = client.get(path + "/v1/images/x", headers=headers).json
    assert refused["instance"] == "/ai/v1/images/x"


def test_a_prefix_that_the_proxy_names(tmp_path: Path) -> None:
    with application(tmp_path, TRUSTED_PROXIES="1") as app:
        everything_is_below(app.test_client(), "", FORWARDED)
        everything_is_below(app.test_client(), "/ai", FORWARDED)


def test_a_prefix_in_public_url(tmp_path: Path) -> None:
    with application(tmp_path, TRUSTED_PROXIES="1", PUBLIC_URL="https://h.example/ai/") as app:
        everything_is_below(app.test_client(), "/ai", {})
        everything_is_below(app.test_client(), "", {})
        assert app.test_client().get("/ai", headers={"Accept": "text/html"}).status_code == 200
        assert app.test_client().get("/ais/healthz").status_code == 404


@pytest.mark.parametrize("path", ["", "/ai"])
def test_the_admin_cookie_is_for_the_prefix(tmp_path: Path, path: str) -> None:
    with application(tmp_path, PUBLIC_URL="https://h.example/ai") as app:
        form = {"name": "nobody", "password": "wrong"}
        client = app.test_client()
        answer = client.post(path + "/admin/login/", data=form, headers={"Host": "h.example"})
        cookie = answer.headers.get("Set-Cookie") or client.get(
            path + "/admin/login/", headers={"Host": "h.example"}
        ).headers.get("Set-Cookie", "")
        assert "Path=/ai/admin" in cookie
        assert "Secure" in cookie


def link(client: FlaskClient, **forwarded: str) -> str:
    headers = {f"X-Forwarded-{name}": value for name, value in forwarded.items()}
    answer: Any = client.post(
        "/v1/images", data=encode(picture(), "PNG"), content_type="image/png", headers=headers
    )
    assert answer.status_code in (200, 201), answer.text
    url: str = answer.json["urls"]["get"]
    return url.partition("/v1/")[0]


@pytest.mark.parametrize(
    ("forwarded", "expected"),
    [
        ({"Proto": "https", "Host": "a.example"}, "https://a.example"),
        ({"Proto": "HTTPS", "Host": "a.example", "Port": "8443"}, "https://a.example:8443"),
        ({"Proto": "https", "Host": "a.example", "Port": "443"}, "https://a.example"),
        ({"Proto": "javascript", "Port": "99999"}, "http://localhost"),
        ({"Host": "evil/x y"}, "http://localhost"),
        ({"Host": "evil.example, a.example"}, "http://a.example"),
        ({"Prefix": "//evil.example"}, "http://localhost"),
        ({"Prefix": "/a/../b"}, "http://localhost"),
        ({"Prefix": "https://evil.example"}, "http://localhost"),
        ({"Prefix": "/a/"}, "http://localhost/a"),
        ({"Prefix": "/"}, "http://localhost"),
        ({"Prefix": '/"><script>'}, "http://localhost"),
    ],
)
def test_odd_forwarded_values(tmp_path: Path, forwarded: dict[str, str], expected: str) -> None:
    with application(tmp_path, TRUSTED_PROXIES="1") as app:
        assert link(app.test_client(), **forwarded) == expected


def test_each_of_several_proxies_names_its_part(tmp_path: Path) -> None:
    with application(tmp_path, TRUSTED_PROXIES="2") as app:
        said = {"Proto": "https, http", "Host": "a.example, inner", "Prefix": "/outer, /inner"}
        assert link(app.test_client(), **said) == "https://a.example/outer/inner"
        assert link(app.test_client(), Proto="https", Host="a.example") == "https://a.example"


def test_nobody_is_believed_without_trusted_proxies(tmp_path: Path) -> None:
    with application(tmp_path) as app:
        said = {"Proto": "https", "Host": "evil.example", "Prefix": "/x"}
        assert link(app.test_client(), **said) == "http://localhost"


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1:5000", 200),
        ("[::1]:5000", 200),
        ("192.168.1.20:5000", 200),
        ("localhost", 200),
        ("LOCALHOST:5000", 200),
        ("myserver:5000", 200),
        ("myserver.local", 200),
        ("photos.example", 200),
        ("a.b.example", 200),
        ("evil.example", 421),
        ("127.0.0.1.evil.example:5000", 421),
        ("localhost.evil.example", 421),
        ("evil.example.", 421),
        ("b.example.evil.example", 421),
        ("a b", 400),
        ("localhost:port", 400),
        ("user@localhost", 400),
    ],
)
def test_hosts(tmp_path: Path, host: str, status: int) -> None:
    with application(tmp_path, TRUSTED_HOSTS="photos.example, .b.example") as app:
        answer = app.test_client().get("/v1/tasks", headers={"Host": host})
        assert answer.status_code == status
        assert app.test_client().get("/metrics", headers={"Host": host}).status_code == status


def test_public_url_is_a_name_of_the_service(tmp_path: Path) -> None:
    with application(tmp_path, PUBLIC_URL="https://h.example:8443") as app:
        client = app.test_client()
        assert client.get("/v1/tasks", headers={"Host": "h.example"}).status_code == 200
        assert client.get("/v1/tasks", headers={"Host": "evil.example"}).status_code == 421


@pytest.mark.parametrize("url", ["h.example", "ftp://h.example", "https://h:99999", "https://h/?a"])
def test_an_unusable_public_url_is_refused(url: str) -> None:
    with pytest.raises(SettingsError, match="PUBLIC_URL"):
        Settings.from_env({"PUBLIC_URL": url})
