"""Share links: addresses that cannot be guessed, good for a while, by which a post is looked up."""

import secrets
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Row, bindparam, func, insert, select, update
from sqlalchemy.orm import Session

from common.database.session import execute, now
from common.database.types import Id
from common.social.account_locks import hold
from common.social.lists import ListCursor
from common.tables import Post, ShareLink

DAY = 24 * 3600
USUAL, SHORTEST, LONGEST = 30 * DAY, 60, 365 * DAY  # seconds that a link is good for

# Built once: making a statement costs as much as sending it.
_l = ShareLink
_SHOWN = (_l.id, _l.slug, _l.post_id, _l.created_at, _l.expires_at, _l.revoked_at)
_OF_POST = _l.post_id == bindparam("post")
HOLD_POST = select(Post.id).where(Post.id == bindparam("post")).with_for_update(read=True)
ENTER = insert(_l).values(expires_at=now(bindparam("lifetime", type_=BigInteger)))
BY_ID = select(*_SHOWN).where(_l.id == bindparam("link"))
PAGE = (
    select(*_SHOWN)
    .where(_OF_POST, _l.id < bindparam("before", type_=Id))
    .order_by(_l.id.desc())
    .limit(bindparam("most"))
)
REVOKE = (
    update(_l)
    .where(_l.id == bindparam("link"), _OF_POST)
    .values(revoked_at=func.coalesce(_l.revoked_at, now()))
)
OPEN = select(_l.post_id).where(
    _l.slug == bindparam("slug"), _l.revoked_at.is_(None), _l.expires_at > now()
)


def create(
    session: Session, id: UUID, post_id: UUID, owner_id: UUID, seconds: float = USUAL
) -> Row[Any] | None:
    """Make a link to the post, good for `seconds`; None when there is no such post.

    Raises Unauthorized when the owner's account is gone.
    """
    hold(session, owner_id)
    if execute(session, HOLD_POST, {"post": post_id}).first() is None:
        return None
    row = {"id": id, "slug": secrets.token_urlsafe(16), "post_id": post_id, "owner_id": owner_id}
    execute(session, ENTER, row | {"lifetime": round(seconds * 1e6)})
    return execute(session, BY_ID, {"link": id}).one()


def page(session: Session, post_id: UUID, after: ListCursor, limit: int) -> Sequence[Row[Any]]:
    """The post's links, the newest first; those that are good no more too."""
    wanted = {"post": post_id, "before": after.id, "most": limit}
    return execute(session, PAGE, wanted).all()


def revoke(session: Session, post_id: UUID, id: UUID) -> bool:
    """End the link of the post now; False when it has no such link."""
    return bool(execute(session, REVOKE, {"post": post_id, "link": id}).rowcount)


def post_of(session: Session, slug: str) -> UUID | None:
    """The post that a link leads to, while the link is good."""
    row = execute(session, OPEN, {"slug": slug}).first()
    return row.post_id if row else None
