"""Lists of posts and of users, in pages: each page is one query on one index.

A page begins after a `ListCursor`, the last row of the previous page, so that new posts do not
shift the pages. Pages of posts hold ids; `common/social/projections.py` reads their rows. Posts and
users whose account is disabled are left out unless `all_accounts` is set, for admins.
"""

from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Boolean, ColumnElement, and_, bindparam, or_, select, true
from sqlalchemy.orm import Session

from common.database.ids import FIRST_ID, LAST_ID, id_before, smallest_id
from common.database.rows import rows_as
from common.database.session import execute
from common.database.types import Id
from common.tables import Follow, Post, User

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class ListCursor(NamedTuple):
    """The position of a row in a list that is sorted by `rank`, then by `id`, both descending."""

    rank: int  # likes, or microseconds since 1970; 0 where the id alone decides
    id: UUID


class FollowRecord(NamedTuple):
    """The other user of a follow, and when the follow began."""

    id: UUID
    name: str
    created_at: datetime


TOP = ListCursor(2**31 - 1, LAST_ID)  # before the first row of a list of posts
NOW = ListCursor(2**53, LAST_ID)  # before the first row of a list that is sorted by time


# A scalar subquery, because for a join or EXISTS, MySQL may read the accounts first and sort.
_by_active = select(User.is_active).where(User.id == Post.owner_id).scalar_subquery()
_ALL = bindparam("all_accounts", type_=Boolean)
_SHOWN = or_(true() == _ALL, _by_active == true())


def _behind(rank: Any, id: Any) -> ColumnElement[bool]:
    """Return the condition for rows after the cursor, in a form for which the databases read one
    range of the index (…, rank, id).
    """
    place = bindparam("rank", type_=rank.type)
    return and_(rank <= place, or_(rank < place, id < bindparam("id", type_=Id)))


def _page(statement: Any, *order: Any) -> Any:
    return statement.order_by(*(each.desc() for each in order)).limit(bindparam("limit"))


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
# The spans of time that are searched one after another until a page of a feed is full. A user who
# follows many others fills it from one day, so that not all their posts must be sorted; for the
# others there is little to sort.
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
    """Return the cursors of posts, the newest first."""
    wanted = {"id": after.id, "limit": limit, "all_accounts": all_accounts}
    return _by_age(session, NEWEST, wanted)


def of_user(
    session: Session, user_id: UUID, after: ListCursor, limit: int, all_accounts: bool = False
) -> list[ListCursor]:
    """Return the cursors of one user's posts, the newest first."""
    wanted = {"user": user_id, "id": after.id, "limit": limit, "all_accounts": all_accounts}
    return _by_age(session, OF_USER, wanted)


def feed(
    session: Session, user_id: UUID, after: ListCursor, limit: int, all_accounts: bool = False
) -> list[ListCursor]:
    """Return the cursors of the posts of the accounts that the user follows, the newest first."""
    wanted = {"user": user_id, "id": after.id, "limit": limit, "all_accounts": all_accounts}
    for span in SPANS:
        since = id_before(after.id, span) if span else FIRST_ID
        if len(posts := _by_age(session, FEED, wanted | {"since": since})) == limit:
            break
    return posts


def most_liked(
    session: Session,
    after: ListCursor,
    limit: int,
    window: timedelta | None = None,
    all_accounts: bool = False,
) -> list[ListCursor]:
    """Return the cursors of the posts of the last `window` (None: of all), most liked first."""
    since = smallest_id(datetime.now(UTC) - window) if window else FIRST_ID
    wanted = {**after._asdict(), "since": since, "limit": limit, "all_accounts": all_accounts}
    return [ListCursor(row.likes, row.id) for row in execute(session, MOST_LIKED, wanted)]


def followers(
    session: Session, user_id: UUID, after: ListCursor, limit: int, all_accounts: bool = False
) -> list[FollowRecord]:
    """Return the user's followers (id, name, and created_at of the follow), the latest first."""
    wanted = {"user": user_id, "limit": limit, "all_accounts": all_accounts}
    return rows_as(FollowRecord, execute(session, FOLLOWERS, _since(after) | wanted))


def following(
    session: Session, user_id: UUID, after: ListCursor, limit: int, all_accounts: bool = False
) -> list[FollowRecord]:
    """Return the users that the user follows, with the same columns as `followers`."""
    wanted = {"user": user_id, "limit": limit, "all_accounts": all_accounts}
    return rows_as(FollowRecord, execute(session, FOLLOWING, _since(after) | wanted))


def cursor_of(row: FollowRecord) -> ListCursor:
    """Return the cursor of a row of `followers` or `following`."""
    return ListCursor((row.created_at - EPOCH) // timedelta(microseconds=1), row.id)


def _by_age(session: Session, statement: Any, wanted: dict[str, Any]) -> list[ListCursor]:
    return [ListCursor(0, row.id) for row in execute(session, statement, wanted)]


def _since(after: ListCursor) -> dict[str, Any]:
    return {"rank": EPOCH + timedelta(microseconds=after.rank), "id": after.id}
