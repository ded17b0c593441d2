"""Creating, editing and deleting posts, with the counter of an image's posts."""

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import delete, insert, select, update
from sqlalchemy.orm import Session

from common.database.rows import rows_as
from common.database.session import execute, now
from common.errors import InputFault
from common.search.outbox import note_changed
from common.social.account_locks import hold
from common.social.likes import COUNT, DELETE
from common.tables import Image, Like, Post, ShareLink

LONGEST_TEXT = 10_000  # characters
AT_ONCE = 500  # likes per statement


class LockedPost(NamedTuple):
    """A locked post and its image."""

    id: UUID
    image_id: UUID


def create(session: Session, id: UUID, owner_id: UUID, image_id: UUID, text: str) -> None:
    """Insert a post of an image that belongs to its author; the image becomes visible to everyone.

    Raises InputFault `image_not_found` if the author has no such image, Unauthorized if their
    account no longer exists.
    """
    hold(session, owner_id)
    image = update(Image).where(Image.id == image_id, Image.owner_id == owner_id)
    if not execute(session, image.values(posts=Image.posts + 1)).rowcount:
        raise no_such_image()
    row = {"id": id, "owner_id": owner_id, "image_id": image_id, "text": text}
    execute(session, insert(Post), row)
    note_changed(session, [image_id])


def no_such_image() -> InputFault:
    """Return the error for an image that does not exist or does not belong to the author."""
    detail = "You have no such image."
    return InputFault(detail, code="image_not_found", errors={"image_id": ["no such image"]})


def owner_of(session: Session, id: UUID) -> UUID | None:
    """Return the id of the post's author; None if the post does not exist."""
    row = execute(session, select(Post.owner_id).where(Post.id == id)).first()
    return row.owner_id if row else None


def edit(session: Session, id: UUID, text: str) -> bool:
    """Replace the post's text; False if the post does not exist."""
    changed = update(Post).where(Post.id == id).values(text=text, updated_at=now())
    if not execute(session, changed).rowcount:
        return False
    note_changed(session, _image_ids(session, [id]))
    return True


def remove(session: Session, ids: Sequence[UUID]) -> int:
    """Delete posts with their likes and share links; returns their number. If posts have many
    likes, call `remove_some_likes` before, in transactions of their own.
    """
    by_image = remove_unnoted(session, ids)
    note_changed(session, by_image)
    return by_image.total()


def remove_unnoted(session: Session, ids: Sequence[UUID]) -> Counter[UUID]:
    """Delete posts as `remove` does, but do not note their images for the index; returns image ->
    number of its deleted posts.
    """
    if not ids:
        return Counter()
    posts = _lock(session, ids)
    existing = [row.id for row in posts]
    while _delete_likes(session, existing):
        pass
    execute(session, delete(ShareLink).where(ShareLink.post_id.in_(existing)))
    execute(session, delete(Post).where(Post.id.in_(existing)))
    by_image = Counter(row.image_id for row in posts)
    for image, count in sorted(by_image.items()):
        statement = update(Image).where(Image.id == image)
        execute(session, statement.values(posts=Image.posts - count))
    return by_image


def remove_some_likes(session: Session, ids: Sequence[UUID]) -> int:
    """Delete up to AT_ONCE likes of posts that will be deleted; returns their number, 0 if no likes
    are left.
    """
    if not ids:
        return 0
    deleted = _delete_likes(session, [row.id for row in _lock(session, ids)])
    if deleted:
        execute(session, COUNT, [{"post": id, "more": -n} for id, n in sorted(deleted.items())])
    return deleted.total()


def _image_ids(session: Session, ids: Sequence[UUID]) -> list[UUID]:
    images = select(Post.image_id).where(Post.id.in_(ids)).distinct()
    return sorted(row.image_id for row in execute(session, images))


def _lock(session: Session, ids: Sequence[UUID]) -> list[LockedPost]:
    """Lock the images of the posts, then the posts; returns the posts that still exist."""
    images = select(Image.id).where(Image.id.in_(_image_ids(session, ids)))
    execute(session, images.order_by(Image.id).with_for_update())
    posts = select(Post.id, Post.image_id).where(Post.id.in_(ids)).order_by(Post.id)
    return rows_as(LockedPost, execute(session, posts.with_for_update()))


def _delete_likes(session: Session, ids: Sequence[UUID]) -> Counter[UUID]:
    """Delete up to AT_ONCE likes of locked posts; returns post -> number of its deleted likes."""
    columns = (Like.post_id.label("post"), Like.user_id.label("user"))
    some = select(*columns).where(Like.post_id.in_(ids)).limit(AT_ONCE)
    likes = execute(session, some).all() if ids else []
    if likes:
        execute(session, DELETE, [dict(row._mapping) for row in likes])
    return Counter(row.post for row in likes)
