"""People, their images and their posts as rows, as the tests of sharing make them."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from common import social
from common.database.ids import new_id
from common.database.session import Sessions, insert_missing, read, transact
from common.tables import Image, Post, StoredObject, User


def new_user(sessions: Sessions, name: str) -> UUID:
    def enter(session: Session) -> UUID:
        email = f"{name}@example.org"
        user = User(
            id=new_id(), name=name, name_key=name, email=email, email_key=email, password_hash="-"
        )
        session.add(user)
        return user.id

    return transact(sessions, enter)


def new_image(sessions: Sessions, owner: UUID | None, visibility: str = "private") -> UUID:
    def enter(session: Session) -> UUID:
        id = new_id()
        sha256 = id.bytes * 2
        stored = {"sha256": sha256, "size": 1, "media_type": "image/png"}
        session.execute(insert_missing(StoredObject), stored)
        picture = {"file_name": "x.png", "width": 16, "height": 16, "visibility": visibility}
        session.add(Image(id=id, owner_id=owner, sha256=sha256, **picture))
        return id

    return transact(sessions, enter)


def new_post(
    sessions: Sessions, owner: UUID, image: UUID | None = None, text: str = "Hello", **at: UUID
) -> UUID:
    """A post of the owner's; with `id`, as if it were made when that id was."""
    id, shown = at.get("id") or new_id(), image or new_image(sessions, owner)
    transact(sessions, lambda session: social.create(session, id, owner, shown, text))
    return id


def like(sessions: Sessions, post: UUID, user: UUID) -> bool:
    return transact(sessions, lambda session: social.like(session, post, user))


def unlike(sessions: Sessions, post: UUID, user: UUID) -> bool:
    return transact(sessions, lambda session: social.unlike(session, post, user))


def likes_of(sessions: Sessions, post: UUID) -> int | None:
    """What the counter says; None when there is no such post."""
    return read(sessions, lambda s: s.scalar(select(Post.likes).where(Post.id == post)))


def posts_of(sessions: Sessions, image: UUID) -> int | None:
    """How many posts show the image, by its counter; None when there is no such image."""
    return read(sessions, lambda s: s.scalar(select(Image.posts).where(Image.id == image)))


def rows_in(sessions: Sessions, table: Any, *conditions: Any) -> int:
    rows = select(func.count()).select_from(table).where(*conditions)
    return read(sessions, lambda session: session.scalar(rows)) or 0


@pytest.fixture
def anna(sessions: Sessions) -> UUID:
    return new_user(sessions, "anna")


@pytest.fixture
def ben(sessions: Sessions) -> UUID:
    return new_user(sessions, "ben")


@pytest.fixture
def people(sessions: Sessions) -> Callable[[int], list[UUID]]:
    """That many more of them."""
    return lambda count: [new_user(sessions, f"person {number}") for number in range(count)]
