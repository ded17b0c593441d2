"""Lists of posts and of people, page by page: each page is one query along one index.

A page starts after a `ListCursor`, the last row of the page before, so that new posts do not shift
the pages. Pages hold ids; `common/social/projections.py` reads the rows for them.
Posts and people whose account is disabled are left out unless `all_accounts` is set, for admins.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Boolean, ColumnElement, Row, and_, bindparam, or_, select, true
from sqlalchemy.orm import Session

from common.database.ids import FIRST_ID, LAST_ID, id_before, least_id
from common.database.session import execute
from common.database.types import Id
from common.tables import Follow, Post, User

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class ListCursor(NamedTuple):
    """Where a row stands in its list: by `rank`, then by `id`, both descending."""

    rank: int  # likes, or microseconds since 1970; 0 where the id alone decides
    id: UUID


TOP = ListCursor(2**31 - 1, LAST_ID)  # before all posts
NOW = ListCursor(2**53, LAST_ID)  # before all that have a time


# A scalar subquery, since MySQL may turn a join or EXISTS around, read the accounts first and sort.
_by_active = select(User.is_active).where(User.id == Post.owner_id).scalar_subquery()
_ALL = bindparam("all_accounts", type_=Boolean)
_SHOWN = or_(true() == _ALL, _by_active == true())


# Built once: making a statement costs as much as sending it.
def _behind(rank: Any, id: Any) -> ColumnElement[bool]:
    """Behind the place, written so that one range of the index (…, rank, id) is read."""
    place = bindparam("rank", type_=rank.type)
    return and_(rank <= place, or_(rank < place, id < bindparam("id", type_=Id)))


def _page(statement: Any, *order: Any) -> Any:
    return statement.order_by(*(each.desc() for each in order)).limit(bindparam("most"))


_older = Post.id < bindparam("id", type_=Id)
NEWEST = _page(select(Post.id).where(_older, _SHOWN), Post.id)
OF_USER = _page(select(Post.id).where(Post.owner_id == bindparam("user"), _older, _SHOWN), Post.id)
FEED = _page(
    select(Post.id)
    .join(Follow, Follow.followed_id == Post.owner_id)
    .where(
        Follow.follower_id == bindparam("user"),
        _older,
        Post.id >= bindparam("since", type_=Id),
        _SHOWN,
    ),
    Post.id,
)
# How far back a page of a feed is looked for, until it is full: who follows many finds it within a
# day and need not have all their posts sorted; who finds little then has little to be sorted.
SPANS = [timedelta(days=1), timedelta(days=8), timedelta(days=64), None]
MOST_LIKED = _page(
    select(Post.id, Post.likes).where(
        _behind(Post.likes, Post.id), Post.id >= bindparam("since", type_=Id), _SHOWN
    ),
    Post.likes,
    Post.id,
)


def _people(which: Any, whose: Any) -> Any:
    people = select(User.id, User.name, Follow.created_at).join(User, User.id == which)
    mine = people.where(
        whose == bindparam("user"),
        _behind(Follow.created_at, which),
        or_(true() == _ALL, User.is_active == true()),
    )
    return _page(mine, Follow.created_at, which)


FOLLOWERS = _people(Follow.follower_id, Follow.followed_id)
FOLLOWING = _people(Follow.followed_id, Follow.follower_id)


def newest(
    session: Session, after: ListCursor, limit: int, all_accounts: bool = False
) -> list[ListCursor]:
    """Posts, the newest first."""
    wanted = {"id": after.id, "most": limit, "all_accounts": all_accounts}
    return _by_age(session, NEWEST, wanted)


def of_user(
    session: Session, user_id: UUID, after: ListCursor, limit: int, all_accounts: bool = False
) -> list[ListCursor]:
    """One user's posts, the newest first."""
    wanted = {"user": user_id, "id": after.id, "most": limit, "all_accounts": all_accounts}
    return _by_age(session, OF_USER, wanted)


def feed(
    session: Session, user_id: UUID, after: ListCursor, limit: int, all_accounts: bool = False
) -> list[ListCursor]:
    """Posts of those whom the user follows, the newest first."""
    wanted = {"user": user_id, "id": after.id, "most": limit, "all_accounts": all_accounts}
    for span in SPANS:
        since = id_before(after.id, span) if span else FIRST_ID
        if len(found := _by_age(session, FEED, wanted | {"since": since})) == limit:
            break
    return found


def most_liked(
    session: Session,
    after: ListCursor,
    limit: int,
    window: timedelta | None = None,
    all_accounts: bool = False,
) -> list[ListCursor]:
    """Posts with the most likes first, of those posted within the last `window`."""
    since = least_id(datetime.now(UTC) - window) if window else FIRST_ID
    wanted = {**after._asdict(), "since": since, "most": limit, "all_accounts": all_accounts}
    return [ListCursor(row.likes, row.id) for row in execute(session, MOST_LIKED, wanted)]


def followers(
    session: Session, user_id: UUID, after: ListCursor, limit: int, all_accounts: bool = False
) -> Sequence[Row[Any]]:
    """Who follows the user (id, name, since when as created_at), the latest first."""
    wanted = {"user": user_id, "most": limit, "all_accounts": all_accounts}
    return execute(session, FOLLOWERS, _since(after) | wanted).all()


def following(
    session: Session, user_id: UUID, after: ListCursor, limit: int, all_accounts: bool = False
) -> Sequence[Row[Any]]:
    """Whom the user follows, as `followers`."""
    wanted = {"user": user_id, "most": limit, "all_accounts": all_accounts}
    return execute(session, FOLLOWING, _since(after) | wanted).all()


def place_of(row: Row[Any]) -> ListCursor:
    """The place of a row of `followers` or `following`."""
    return ListCursor((row.created_at - EPOCH) // timedelta(microseconds=1), row.id)


def _by_age(session: Session, statement: Any, wanted: dict[str, Any]) -> list[ListCursor]:
    return [ListCursor(0, row.id) for row in execute(session, statement, wanted)]


def _since(after: ListCursor) -> dict[str, Any]:
    return {"rank": EPOCH + timedelta(microseconds=after.rank), "id": after.id}
