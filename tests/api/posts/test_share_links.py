"""Share links over HTTP: a page for people, JSON for programs, and an end."""

from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import update

from common.database.session import Sessions, now, transact
from common.tables import ShareLink
from tests.support.http.accounts import Account
from tests.support.http.calls_in_process import call
from tests.support.http.posts import NASTY, answer_all, link, post, slug_of
from tests.support.services.in_process import app as app


def test_a_share_link_is_a_page_for_people_and_json_for_programs(
    app: Flask, sessions: Sessions, anna: Account
) -> None:
    made = post(app, anna, NASTY)
    answer_all(sessions, made)
    path = f"/s/{slug_of(link(app, anna, made['id']))}"
    client = app.test_client()
    page = client.get(path, headers={"Accept": "text/html,*/*;q=0.8"})
    assert page.mimetype == "text/html"
    assert "<script" not in page.text.lower()
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page.text
    assert "{{ 7 * 7 }}" in page.text
    for escaped in ("&lt;b&gt;cat&lt;/b&gt;", "A &lt;i&gt;cat&lt;/i&gt;.", "62%"):
        assert escaped in page.text
    assert f'src="/v1/images/{made["image"]["id"]}/content"' in page.text
    assert "default-src 'self'" in page.headers["Content-Security-Policy"]
    said = client.get(path, headers={"Accept": "application/json"})
    assert (said.mimetype, said.get_json()["text"]) == ("application/json", NASTY)
    assert page.headers["Vary"] == said.headers["Vary"] == "Accept"


def test_a_share_link_that_is_good_no_more_is_a_404(
    app: Flask, sessions: Sessions, anna: Account
) -> None:
    made = post(app, anna)["id"]
    expired, revoked, kept = (link(app, anna, made, expires_in=3600) for _ in range(3))
    late = update(ShareLink).where(ShareLink.id == UUID(expired["id"])).values(expires_at=now(-1))
    transact(sessions, lambda session: session.execute(late))
    for _ in range(2):
        path = f"/v1/posts/{made}/share-links/{revoked['id']}"
        assert call(app, "DELETE", path, anna).status_code == 204
    for found, status in ((expired, 404), (revoked, 404), (kept, 200)):
        assert call(app, "GET", f"/s/{slug_of(found)}", None).status_code == status
    listed = call(app, "GET", f"/v1/posts/{made}/share-links", anna).get_json()["items"]
    assert [each["id"] for each in listed] == sorted(
        (each["id"] for each in (expired, revoked, kept)), reverse=True
    )
    call(app, "DELETE", f"/v1/posts/{made}", anna)
    for slug in (slug_of(kept), "x", "%00", "é"):
        assert call(app, "GET", f"/s/{slug}", None).status_code == 404


@pytest.mark.parametrize("bad", [0, -1, 59, 31_536_001, "60", True, 1e300])
def test_a_share_links_lifetime_is_bounded(app: Flask, anna: Account, bad: Any) -> None:
    path = f"/v1/posts/{post(app, anna)['id']}/share-links"
    answer = call(app, "POST", path, anna, json={"expires_in": bad})
    assert (answer.status_code, list(answer.get_json()["errors"])) == (422, ["expires_in"])
