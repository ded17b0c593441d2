"""Lists of posts and people page by page, and share links, on every database."""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import update

from common import social
from common.database.ids import new_id, smallest_id
from common.database.session import Sessions, now, read, transact
from common.social import lists, projections, share_links
from common.social.lists import NOW, TOP, ListCursor
from common.tables import Follow, Post, ShareLink
from tests.support.rows.query_plans import plans
from tests.support.rows.social import anna as anna
from tests.support.rows.social import ben as ben
from tests.support.rows.social import like, new_post, new_user
from tests.support.rows.social import people as people

DAY = timedelta(days=1)


def posted(sessions: Sessions, owner: UUID, *days_ago: float) -> list[UUID]:
    """Posts of the owner's, each as if it were made that many days ago."""
    moments = [datetime.now(UTC) - days * DAY for days in days_ago]
    return [new_post(sessions, owner, id=smallest_id(moment)) for moment in moments]


def walk(
    sessions: Sessions, page: Callable[..., list[ListCursor]], top: ListCursor = TOP
) -> list[UUID]:
    """All ids of a list, two a page."""
    seen: list[UUID] = []
    while places := read(sessions, partial(page, after=top, limit=2)):
        assert len(places) <= 2
        seen += [place.id for place in places]
        top = places[-1]
    return seen


def set_likes(sessions: Sessions, likes: Iterable[tuple[UUID, int]]) -> None:
    for id, count in likes:
        these = update(Post).where(Post.id == id).values(likes=count)
        transact(sessions, lambda session, these=these: session.execute(these))  # type: ignore[misc]


def test_the_newest_come_first_and_new_ones_move_nothing(sessions: Sessions, anna: UUID) -> None:
    old = posted(sessions, anna, 5, 4, 3, 2, 1)
    first = read(sessions, partial(lists.newest, after=TOP, limit=2))
    new_post(sessions, anna)
    rest = walk(sessions, lists.newest, first[-1])
    assert [place.id for place in first] + rest == old[::-1]


def test_a_users_posts_are_theirs_alone(sessions: Sessions, anna: UUID, ben: UUID) -> None:
    hers = posted(sessions, anna, 5, 3, 1)
    posted(sessions, ben, 4, 2)
    assert walk(sessions, partial(lists.of_user, user_id=anna)) == hers[::-1]
    assert walk(sessions, partial(lists.of_user, user_id=new_id())) == []


def test_the_feed_has_the_posts_of_those_one_follows(
    sessions: Sessions, anna: UUID, ben: UUID
) -> None:
    carl = new_user(sessions, "carl")
    of_ben, of_carl = posted(sessions, ben, 4, 2), posted(sessions, carl, 3, 1)
    posted(sessions, anna, 5)
    posted(sessions, new_user(sessions, "dora"), 5)
    for other in (ben, carl):
        transact(sessions, lambda session, other=other: social.follow(session, anna, other))  # type: ignore[misc]
    page = partial(lists.feed, user_id=anna)
    assert walk(sessions, page) == [of_carl[1], of_ben[1], of_carl[0], of_ben[0]]
    long_ago = posted(sessions, ben, 1000, 200, 70, 9)
    of_ben = long_ago + of_ben
    assert walk(sessions, page)[4:] == long_ago[::-1], "however far apart they are"
    transact(sessions, lambda session: social.unfollow(session, anna, carl))
    assert walk(sessions, page) == of_ben[::-1]
    assert walk(sessions, partial(lists.feed, user_id=ben)) == []


def test_the_most_liked_come_first_within_the_window(sessions: Sessions, anna: UUID) -> None:
    posts = posted(sessions, anna, 40, 6, 5, 4, 0.5, 0.1)
    likes = (9, 2, 7, 2, 2, 0)
    set_likes(sessions, zip(posts, likes, strict=True))
    old, two, seven, two_later, two_last, none = posts
    ranked = [seven, two_last, two_later, two, none]
    assert walk(sessions, lists.most_liked) == [old, *ranked]
    assert walk(sessions, partial(lists.most_liked, window=7 * DAY)) == ranked
    assert walk(sessions, partial(lists.most_liked, window=DAY)) == [two_last, none]


def test_followers_and_followed_are_listed_the_latest_first(
    sessions: Sessions, anna: UUID, people: Callable[[int], list[UUID]]
) -> None:
    fans = people(5)
    for fan in fans:
        transact(sessions, lambda session, fan=fan: social.follow(session, fan, anna))  # type: ignore[misc]
        transact(sessions, lambda session, fan=fan: social.follow(session, anna, fan))  # type: ignore[misc]
    # Three at the very same time: then the id decides.
    same = update(Follow).values(created_at=now(-60))
    three = same.where(Follow.follower_id.in_(fans[:3]) | Follow.followed_id.in_(fans[:3]))
    transact(sessions, lambda session: session.execute(three))
    for list_ in (lists.followers, lists.following):
        rows: list[Any] = []
        behind = NOW
        while page := read(sessions, partial(list_, user_id=anna, after=behind, limit=2)):
            rows += page
            behind = lists.cursor_of(page[-1])
        assert [row.id for row in rows] == fans[:2:-1] + sorted(fans[:3], reverse=True)
        assert rows[0].name == "person 4"
        assert rows[0].created_at > rows[-1].created_at == rows[2].created_at
    assert not read(sessions, partial(lists.followers, user_id=new_id(), after=NOW, limit=2))


def test_posts_are_shown_in_the_order_asked_for(sessions: Sessions, anna: UUID, ben: UUID) -> None:
    one, two = new_post(sessions, anna, text="<b>é😀</b>"), new_post(sessions, ben)
    like(sessions, one, ben)
    rows = read(sessions, lambda session: projections.read_posts(session, [two, new_id(), one]))
    assert [row.id for row in rows] == [two, one]
    assert (rows[1].author, rows[1].text, rows[1].likes) == ("anna", "<b>é😀</b>", 1)
    assert (rows[1].file_name, rows[1].width, rows[1].height) == ("x.png", 16, 16)
    assert read(sessions, lambda session: projections.liked_by(session, ben, [one, two])) == {one}
    assert read(sessions, lambda session: projections.liked_by(session, anna, [one, two])) == set()
    assert read(sessions, lambda session: projections.liked_by(session, None, [one, two])) == set()
    assert read(sessions, lambda session: projections.read_posts(session, [])) == []


# ---- share links


def opened(sessions: Sessions, slug: str) -> UUID | None:
    return read(sessions, lambda session: share_links.find_post(session, slug))


def linked(sessions: Sessions, post: UUID, owner: UUID, **how: float) -> Any:
    return transact(
        sessions, lambda session: share_links.create(session, new_id(), post, owner, **how)
    )


def test_a_link_leads_to_its_post_until_it_expires(sessions: Sessions, anna: UUID) -> None:
    post = new_post(sessions, anna)
    link = linked(sessions, post, anna)
    lifetime = (link.expires_at - link.created_at).total_seconds()
    assert lifetime == pytest.approx(30 * 24 * 3600, abs=1)
    assert len(link.slug) == 22
    assert opened(sessions, link.slug) == post
    assert opened(sessions, link.slug.swapcase()) is None
    late = update(ShareLink).where(ShareLink.id == link.id).values(expires_at=now(-1))
    transact(sessions, lambda session: session.execute(late))
    assert opened(sessions, link.slug) is None


def test_a_link_is_revoked_for_good(sessions: Sessions, anna: UUID) -> None:
    post, other = new_post(sessions, anna), new_post(sessions, anna)
    link, kept = (linked(sessions, post, anna, seconds=60) for _ in range(2))
    assert not transact(sessions, lambda session: share_links.revoke(session, other, link.id))
    assert opened(sessions, link.slug) == post
    for _ in range(2):
        assert transact(sessions, lambda session: share_links.revoke(session, post, link.id))
        assert opened(sessions, link.slug) is None
    assert opened(sessions, kept.slug) == post
    rows = read(sessions, partial(share_links.list_links, post_id=post, after=TOP, limit=5))
    assert {row.id: row.revoked_at is None for row in rows} == {link.id: False, kept.id: True}


def test_links_are_listed_the_newest_first_and_go_with_their_post(
    sessions: Sessions, anna: UUID
) -> None:
    post = new_post(sessions, anna)
    made = {linked(sessions, post, anna).id for _ in range(3)}
    linked(sessions, new_post(sessions, anna), anna)
    rows = list(read(sessions, partial(share_links.list_links, post_id=post, after=TOP, limit=2)))
    after = ListCursor(0, rows[-1].id)
    rows += read(sessions, partial(share_links.list_links, post_id=post, after=after, limit=2))
    assert [row.id for row in rows] == sorted(made, reverse=True)
    transact(sessions, lambda session: social.remove(session, [post]))
    assert opened(sessions, rows[0].slug) is None
    assert linked(sessions, post, anna) is None


def test_lists_are_read_along_their_indexes(sessions: Sessions, anna: UUID) -> None:
    """Leaving out disabled accounts must not make a database read the accounts first and sort."""
    for _ in range(50):
        new_post(sessions, anna)
    of_anna = partial(lists.of_user, user_id=anna)
    for list_ in (lists.newest, of_anna, lists.most_liked):
        first = partial(list_, after=TOP, limit=2)
        [plan] = plans(sessions, partial(read, sessions, first))
        assert "filesort" not in plan
        assert "TEMP B-TREE" not in plan
