"""Share links: addresses that cannot be guessed and show a post for a limited time."""

import secrets
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import func, insert, select, update
from sqlalchemy.orm import Session

from common.database.rows import first_as, rows_as
from common.database.session import execute, now
from common.social.account_locks import hold
from common.social.lists import ListCursor
from common.tables import Post, ShareLink

DAY = 24 * 3600
USUAL, SHORTEST, LONGEST = 30 * DAY, 60, 365 * DAY  # lifetimes in seconds

_l = ShareLink
_COLUMNS = (_l.id, _l.slug, _l.post_id, _l.created_at, _l.expires_at, _l.revoked_at)


class LinkRecord(NamedTuple):
    """A share link."""

    id: UUID
    slug: str
    post_id: UUID
    created_at: datetime
    expires_at: datetime
    revoked_at: datetime | None


def create(
    session: Session, id: UUID, post_id: UUID, owner_id: UUID, seconds: float = USUAL
) -> LinkRecord | None:
    """Insert and return a link to the post that expires after `seconds`; None if the post does not
    exist.

    Raises Unauthorized if the owner's account no longer exists.
    """
    hold(session, owner_id)
    post = select(Post.id).where(Post.id == post_id).with_for_update(read=True)
    if execute(session, post).first() is None:
        return None
    row = {"id": id, "slug": secrets.token_urlsafe(16), "post_id": post_id, "owner_id": owner_id}
    execute(session, insert(_l).values(**row, expires_at=now(seconds)))
    return first_as(LinkRecord, execute(session, select(*_COLUMNS).where(_l.id == id)))


def list_links(session: Session, post_id: UUID, after: ListCursor, limit: int) -> list[LinkRecord]:
    """Return the post's links, the newest first, including expired and revoked ones."""
    links = select(*_COLUMNS).where(_l.post_id == post_id, _l.id < after.id)
    return rows_as(LinkRecord, execute(session, links.order_by(_l.id.desc()).limit(limit)))


def revoke(session: Session, post_id: UUID, id: UUID) -> bool:
    """Revoke a link of the post; False if it has no such link."""
    link = update(_l).where(_l.id == id, _l.post_id == post_id)
    revoked = link.values(revoked_at=func.coalesce(_l.revoked_at, now()))
    return bool(execute(session, revoked).rowcount)


def find_post(session: Session, slug: str) -> UUID | None:
    """Return the id of the post that a valid link shows; None if the link does not exist, has
    expired or was revoked.
    """
    link = select(_l.post_id).where(_l.slug == slug, _l.revoked_at.is_(None), _l.expires_at > now())
    row = execute(session, link).first()
    return row.post_id if row else None
