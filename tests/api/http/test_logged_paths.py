"""A log does not let its reader see what only the holder of a slug or an id may see."""

from hashlib import sha256

import pytest
from flask import Flask
from structlog.testing import capture_logs

from tests.support.http.accounts import Account
from tests.support.http.calls_in_process import ask, call, status, upload
from tests.support.http.posts import link, post, slug_of
from tests.support.services.in_process import app as app


def digest(secret: str) -> str:
    return f"~{sha256(secret.encode()).hexdigest()[:12]}"


def lines_of(app: Flask, method: str, path: str, who: Account | None = None) -> str:
    """All that is logged of one request."""
    with capture_logs() as logs:
        status(app, method, path, who)
    assert [each["event"] for each in logs].count("request") == 1
    return str(logs)


def test_share_links_are_logged_without_their_slugs(app: Flask, anna: Account) -> None:
    slug = slug_of(link(app, anna, post(app, anna)["id"]))
    logged = lines_of(app, "GET", f"/s/{slug}")
    assert slug not in logged
    assert f"/s/{digest(slug)}" in logged
    assert slug not in lines_of(app, "GET", f"/s/{slug}/"), "without a route as well"


@pytest.mark.parametrize("path", ["/v1/predictions/{}", "/predictions/{}", "/nothing/{}/here"])
def test_ids_are_logged_as_digests(app: Flask, path: str) -> None:
    id = ask(app, None, upload(app, None)["id"])["id"]
    for given in (id, id.upper()):
        logged = lines_of(app, "GET", path.format(given))
        assert given not in logged
        assert path.format(digest(id)) in logged


def test_other_paths_are_logged_as_they_are(app: Flask, anna: Account) -> None:
    assert f"/v1/users/{anna.name}/followers" in lines_of(
        app, "GET", f"/v1/users/{anna.name}/followers"
    )


def test_the_api_page_says_that_a_share_link_hides_nothing(app: Flask) -> None:
    page = call(app, "GET", "/openapi.json", None).get_json()
    making = page["paths"]["/v1/posts/{id}/share-links"]["post"]
    assert "post itself is public" in making["summary"] + making.get("description", "")
