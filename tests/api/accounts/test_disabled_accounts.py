"""A disabled account: what it has shared and whom it follows is shown to admins alone."""

from typing import Any

import pytest
from flask import Flask
from sqlalchemy import update

from common.database.session import Sessions, transact
from common.tables import User
from tests.support.http.accounts import Account, make_admin, sign_up
from tests.support.http.calls_in_process import call, status
from tests.support.http.posts import link, pages, post, slug_of
from tests.support.services.in_process import app as app


@pytest.fixture
def admin(app: Flask, sessions: Sessions) -> Account:
    found = sign_up(app, "boss")
    make_admin(sessions, found)
    return found


def set_active(sessions: Sessions, who: Account, is_active: bool) -> None:
    change = update(User).where(User.name == who.name).values(is_active=is_active)
    transact(sessions, lambda session: session.execute(change))


def ids(items: list[dict[str, Any]]) -> list[str]:
    return [each["id"] for each in items]


def names(items: list[dict[str, Any]]) -> list[str]:
    return [each["name"] for each in items]


def test_posts_of_a_disabled_account_are_shown_to_admins_alone(
    app: Flask, sessions: Sessions, anna: Account, ben: Account, admin: Account
) -> None:
    hers, his = [post(app, anna)["id"] for _ in range(3)], [post(app, ben)["id"] for _ in range(3)]
    shared = f"/s/{slug_of(link(app, anna, hers[0]))}"
    assert call(app, "PUT", f"/v1/users/{anna.name}/follow", ben).status_code == 204
    hidden = [f"/v1/posts/{hers[0]}", shared, f"/v1/posts?user={anna.name}"]
    lists = ["/v1/posts", "/v1/posts?sort=most_liked"]
    for is_active in (True, False, True):
        set_active(sessions, anna, is_active)
        for path in hidden:
            assert status(app, "GET", path, None) == (200 if is_active else 404), path
            assert status(app, "GET", path, ben) == (200 if is_active else 404), path
            assert status(app, "GET", path, admin) == 200, path
        for path in lists:
            shown = ids(pages(app, path, ben))
            assert sorted(shown) == sorted([*his, *hers] if is_active else his), path
            assert sorted(ids(pages(app, path, admin))) == sorted([*his, *hers]), path
        assert len(pages(app, "/v1/feed", ben)) == (3 if is_active else 0)


def test_pages_without_hidden_posts_are_full(
    app: Flask, sessions: Sessions, anna: Account, ben: Account
) -> None:
    for who in (ben, anna, anna, anna, ben):
        post(app, who)
    set_active(sessions, anna, False)
    first = call(app, "GET", "/v1/posts?limit=2", None).get_json()
    assert (len(first["items"]), first["next"]) == (2, None)


def test_a_disabled_account_is_no_user_to_others(
    app: Flask, sessions: Sessions, anna: Account, ben: Account, admin: Account
) -> None:
    for one, other in ((anna, ben), (ben, anna)):
        assert call(app, "PUT", f"/v1/users/{other.name}/follow", one).status_code == 204
    set_active(sessions, anna, False)
    for rest in ("", "/followers", "/following"):
        path = f"/v1/users/{anna.name}{rest}"
        assert [status(app, "GET", path, who) for who in (None, ben, admin)] == [404, 404, 200]
        if rest:
            assert names(pages(app, f"/v1/users/{ben.name}{rest}", ben)) == []
            assert names(pages(app, f"/v1/users/{ben.name}{rest}", admin)) == [anna.name]
    assert status(app, "PUT", f"/v1/users/{anna.name}/follow", ben) == 404
    assert status(app, "DELETE", f"/v1/users/{anna.name}/follow", ben) == 204


def test_a_hidden_post_cannot_be_liked(
    app: Flask, sessions: Sessions, anna: Account, ben: Account
) -> None:
    made = post(app, anna)["id"]
    assert status(app, "PUT", f"/v1/posts/{made}/like", ben) == 204
    set_active(sessions, anna, False)
    assert status(app, "PUT", f"/v1/posts/{made}/like", ben) == 404
    assert status(app, "DELETE", f"/v1/posts/{made}/like", ben) == 204
