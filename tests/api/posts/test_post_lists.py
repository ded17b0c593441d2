"""Lists of posts and people over HTTP, likes and follows: paged, stable, idempotent."""

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from flask import Flask

from api.http.pagination import read_cursor, write_cursor
from common.database.ids import new_id
from common.database.session import Sessions
from common.errors import InputFault
from common.social.lists import NOW, ListCursor
from common.tables import Like
from tests.support.http.accounts import Account, sign_up
from tests.support.http.calls_in_process import call, status
from tests.support.http.posts import pages, post
from tests.support.rows.social import rows_in
from tests.support.services.in_process import app as app

MANY = 50
LISTS = ["/v1/posts", "/v1/posts?sort=most_liked", "/v1/posts?user=anna", "/v1/feed",
         "/v1/users/ben/followers", "/v1/users/ben/following"]  # fmt: skip

BAD_PAGES = [
    "limit=0", "limit=101", "limit=-1", "limit=abc", "limit=1000000", f"limit={10**30}", "limit=",
    "cursor=", "cursor=x", "cursor=%00", "cursor=%C3%A9", f"cursor={'A' * 40}",
    f"cursor={'A' * 5000}", "cursor=01920000-0000-7000-8000-000000000000",
]  # fmt: skip


def ids(items: list[Any]) -> list[str]:
    return [item["id"] for item in items]


def put(app: Flask, path: str, who: Account) -> None:
    """As a client does that is told to come back: fifty at once share sixteen connections, and on a
    crowded machine some wait for one in vain.
    """
    while (found := status(app, "PUT", path, who)) == 503:
        time.sleep(0.1)
    assert found == 204


def test_every_list_is_walked_by_its_links_and_new_posts_move_nothing(
    app: Flask, anna: Account, ben: Account
) -> None:
    call(app, "PUT", "/v1/users/anna/follow", ben)
    made = [post(app, anna)["id"] for _ in range(5)]
    for path, who in (("/v1/posts", None), ("/v1/posts?user=ANNA", None), ("/v1/feed", ben)):
        assert ids(pages(app, path, who)) == made[::-1], path
        first = call(app, "GET", f"{path}{'&' if '?' in path else '?'}limit=2", who).get_json()
        newer = post(app, anna)["id"]
        rest = f"{path}{'&' if '?' in path else '?'}cursor={first['next']}"
        assert (
            ids(first["items"]) + ids(call(app, "GET", rest, who).get_json()["items"])
            == (made[::-1])
        )
        made.append(newer)
    assert pages(app, "/v1/feed", anna) == pages(app, "/v1/posts?user=ben") == []


def test_the_most_liked_come_first(app: Flask, anna: Account, ben: Account) -> None:
    one, two, none = (post(app, anna)["id"] for _ in range(3))
    for who, liked in ((anna, two), (ben, two), (ben, one)):
        assert status(app, "PUT", f"/v1/posts/{liked}/like", who) == 204
    for query in ("", "&window=7d", "&window=1h"):
        found = pages(app, f"/v1/posts?sort=most_liked{query}", ben, limit=1)
        assert [(item["id"], item["likes"], item["liked"]) for item in found] == [
            (two, 2, True), (one, 1, True), (none, 0, False),
        ]  # fmt: skip
    assert not pages(app, "/v1/posts?sort=most_liked")[0]["liked"], "an anonymous caller likes none"


def test_likes_and_follows_are_idempotent(app: Flask, anna: Account, ben: Account) -> None:
    id = post(app, anna)["id"]
    for method, count in (("PUT", 1), ("PUT", 1), ("DELETE", 0), ("DELETE", 0)):
        assert status(app, method, f"/v1/posts/{id}/like", ben) == 204
        assert call(app, "GET", f"/v1/posts/{id}", ben).get_json()["likes"] == count
    for method, count in (("PUT", 1), ("PUT", 1), ("DELETE", 0), ("DELETE", 0)):
        assert status(app, method, "/v1/users/Anna/follow", ben) == 204
        followers = call(app, "GET", "/v1/users/anna/followers", None).get_json()["items"]
        following = call(app, "GET", "/v1/users/ben/following", None).get_json()["items"]
        assert [each["name"] for each in followers] == ["ben"] * count
        assert [each["name"] for each in following] == ["anna"] * count
    myself = call(app, "PUT", "/v1/users/ben/follow", ben)
    assert (myself.status_code, myself.get_json()["code"]) == (422, "follow_yourself")
    call(app, "DELETE", f"/v1/posts/{id}", anna)
    assert status(app, "PUT", f"/v1/posts/{id}/like", ben) == 404
    for path in ("follow", "followers", "following"):
        method = "PUT" if path == "follow" else "GET"
        for name in ("nobody", "%00", "a%20b"):
            assert status(app, method, f"/v1/users/{name}/{path}", ben) == 404


def test_the_counter_is_true_after_fifty_likes_at_once(
    app: Flask, sessions: Sessions, anna: Account
) -> None:
    id = post(app, anna)["id"]
    fans = [sign_up(app, f"fan {number}") for number in range(10)]
    tries = fans * (MANY // len(fans))
    with ThreadPoolExecutor(MANY) as pool:
        list(pool.map(lambda who: put(app, f"/v1/posts/{id}/like", who), tries))
    likes = call(app, "GET", f"/v1/posts/{id}", None).get_json()["likes"]
    assert likes == rows_in(sessions, Like) == len(fans)


def test_followers_are_paged(app: Flask, sessions: Sessions, anna: Account) -> None:
    fans = [sign_up(app, f"fan {number}") for number in range(3)]
    for fan in fans:
        call(app, "PUT", "/v1/users/anna/follow", fan)
    found = pages(app, "/v1/users/anna/followers")
    assert [each["name"] for each in found] == [fan.name for fan in fans][::-1]


@pytest.mark.parametrize("path", LISTS)
def test_a_bad_page_is_refused(app: Flask, anna: Account, ben: Account, path: str) -> None:
    for bad in BAD_PAGES:
        answer = call(app, "GET", f"{path}{'&' if '?' in path else '?'}{bad}", ben)
        assert answer.status_code == 422, bad
        assert list(answer.get_json()["errors"]) == [bad.partition("=")[0]]


@pytest.mark.parametrize(
    ("query", "blamed"),
    [("sort=oldest", "sort"), ("sort=most_liked&window=7w", "window"), ("window=7d", "window"),
     ("sort=most_liked&window=0d", "window"), ("sort=most_liked&window=99999d", "window"),
     ("sort=most_liked&window=7d7d", "window"), ("sort=most_liked&user=anna", "user")],
)  # fmt: skip
def test_a_list_that_there_is_not_is_refused(app: Flask, query: str, blamed: str) -> None:
    answer = call(app, "GET", f"/v1/posts?{query}", None)
    assert (answer.status_code, list(answer.get_json()["errors"])) == (422, [blamed])


def test_a_cursor_is_good_for_its_own_list_as_it_is_and_for_nothing_else() -> None:
    place = ListCursor(3, new_id())
    cursor = write_cursor("newest", place)
    assert (len(cursor), read_cursor("newest", cursor)) == (40, place)
    changed = [cursor[:n] + ("A" if cursor[n] != "A" else "B") + cursor[n + 1 :] for n in range(40)]
    beyond = write_cursor("newest", ListCursor(NOW.rank + 1, new_id()))
    for bad in [*changed, beyond, cursor + "A", cursor + "====", " " + cursor]:
        with pytest.raises(InputFault):
            read_cursor("newest", bad)
    with pytest.raises(InputFault):
        read_cursor("feed", cursor)
