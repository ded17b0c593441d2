"""The life of a post, and of the counter that says how many posts show an image."""

from collections import Counter
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, bindparam, delete, insert, select, update
from sqlalchemy.orm import Session

from common.database.session import execute, now
from common.database.types import Id
from common.errors import InputFault
from common.search.outbox import note_changed
from common.social.account_locks import hold
from common.social.likes import COUNT, TAKE_BACK
from common.tables import Image, Like, Post, ShareLink

LONGEST_TEXT = 10_000  # characters
AT_ONCE = 500  # likes a statement

# Built once: making a statement costs as much as sending it.
ENTER = insert(Post)
SHOW_IMAGE = (
    update(Image)
    .where(Image.id == bindparam("image"), Image.owner_id == bindparam("owner"))
    .values(posts=Image.posts + 1)
)
HIDE_IMAGE = (
    update(Image)
    .where(Image.id == bindparam("image"))
    .values(posts=Image.posts - bindparam("less"))
)
_THESE = bindparam("these", expanding=True, type_=Id)
IMAGES_OF = select(Post.image_id).where(Post.id.in_(_THESE)).distinct()
HOLD_IMAGES = select(Image.id).where(Image.id.in_(_THESE)).order_by(Image.id).with_for_update()
HOLD_POSTS = (
    select(Post.id, Post.image_id).where(Post.id.in_(_THESE)).order_by(Post.id).with_for_update()
)
SOME_LIKES = (
    select(Like.post_id.label("post"), Like.user_id.label("user"))
    .where(Like.post_id.in_(_THESE))
    .limit(AT_ONCE)
)
FORGET = [
    delete(table).where(column.in_(_THESE))
    for table, column in ((ShareLink, ShareLink.post_id), (Post, Post.id))
]
OWNER = select(Post.owner_id).where(Post.id == bindparam("post"))
EDIT = (
    update(Post)
    .where(Post.id == bindparam("post"))
    .values(text=bindparam("new_text"), updated_at=now())
)


def create(session: Session, id: UUID, owner_id: UUID, image_id: UUID, text: str) -> None:
    """Post an image of the owner's own, which everyone may see from then on.

    Raises InputFault `image_not_found` when they have no such image, Unauthorized when the account
    is gone.
    """
    hold(session, owner_id)
    if not execute(session, SHOW_IMAGE, {"image": image_id, "owner": owner_id}).rowcount:
        raise no_such_image()
    row = {"id": id, "owner_id": owner_id, "image_id": image_id, "text": text}
    execute(session, ENTER, row)
    note_changed(session, [image_id])


def no_such_image() -> InputFault:
    """The image is not there, or not the author's own."""
    detail = "You have no such image."
    return InputFault(detail, code="image_not_found", errors={"image_id": ["no such image"]})


def owner_of(session: Session, id: UUID) -> UUID | None:
    """Whose post it is; None when there is no such post."""
    row = execute(session, OWNER, {"post": id}).first()
    return row.owner_id if row else None


def edit(session: Session, id: UUID, text: str) -> bool:
    """Give the post another text; False when there is no such post."""
    if not execute(session, EDIT, {"post": id, "new_text": text}).rowcount:
        return False
    note_changed(session, [row.image_id for row in execute(session, IMAGES_OF, {"these": [id]})])
    return True


def remove(session: Session, ids: Sequence[UUID]) -> int:
    """Remove posts with their likes and share links; returns how many there were. Posts with many
    likes should lose them by `forget_some_likes` first, in transactions of their own.
    """
    shown = take_away(session, ids)
    note_changed(session, shown)
    return shown.total()


def take_away(session: Session, ids: Sequence[UUID]) -> Counter[UUID]:
    """As `remove`, of images that go too or are noted by the caller: how many posts of each."""
    if not ids:
        return Counter()
    held = _hold(session, ids)
    while _forget_likes(session, [row.id for row in held]):
        pass
    for statement in FORGET:
        execute(session, statement, {"these": [row.id for row in held]})
    shown = Counter(row.image_id for row in held)
    rows = [{"image": image, "less": less} for image, less in sorted(shown.items())]
    if rows:
        execute(session, HIDE_IMAGE, rows)
    return shown


def forget_some_likes(session: Session, ids: Sequence[UUID]) -> int:
    """Remove up to AT_ONCE likes of posts that are about to be removed; returns how many, 0 when
    none are left.
    """
    if not ids:
        return 0
    forgotten = _forget_likes(session, [row.id for row in _hold(session, ids)])
    if forgotten:
        execute(session, COUNT, [{"post": id, "more": -n} for id, n in sorted(forgotten.items())])
    return forgotten.total()


def _hold(session: Session, ids: Sequence[UUID]) -> Sequence[Row[Any]]:
    """Lock the images of the posts, then the posts; returns the posts that still exist."""
    images = [row.image_id for row in execute(session, IMAGES_OF, {"these": ids})]
    execute(session, HOLD_IMAGES, {"these": sorted(images)})
    return execute(session, HOLD_POSTS, {"these": ids}).all()


def _forget_likes(session: Session, ids: Sequence[UUID]) -> Counter[UUID]:
    """Delete up to AT_ONCE likes of posts that are locked; returns how many of each post."""
    found = execute(session, SOME_LIKES, {"these": ids}).all() if ids else []
    if found:
        execute(session, TAKE_BACK, [dict(row._mapping) for row in found])
    return Counter(row.post for row in found)
