"""A post with many likes is removed in pieces, on every database."""

from functools import partial
from typing import Any
from uuid import UUID

from sqlalchemy import event, insert, update
from sqlalchemy.orm import Session

from common import social
from common.database.ids import new_id
from common.database.session import Sessions, transact
from common.images import remove_image
from common.tables import Image, Like, Post, User
from tests.support.rows.social import anna as anna
from tests.support.rows.social import likes_of, new_image, new_post, posts_of, rows_in


def test_many_likes_go_in_pieces(sessions: Sessions, anna: UUID) -> None:
    """No statement, and no transaction where that can be chosen, deletes all likes of a post."""
    image = new_image(sessions, anna)
    post = new_post(sessions, anna, image)
    like_by_many(sessions, post, 1_003)
    some = partial(social.remove_some_likes, ids=[post])
    assert transact(sessions, some) == 500
    assert (likes_of(sessions, post), rows_in(sessions, Like)) == (503, 503)
    sent = statements(sessions, lambda: transact(sessions, partial(social.remove, ids=[post])))
    deleted = [sql for sql in sent if sql.startswith("DELETE FROM likes")]
    assert len(deleted) == 2, "503 in pieces of 500"
    assert (rows_in(sessions, Post), rows_in(sessions, Like)) == (0, 0)
    assert posts_of(sessions, image) == 0


def test_an_image_whose_posts_many_like_is_hidden_first_and_removed_at_last(
    sessions: Sessions, anna: UUID
) -> None:
    image = new_image(sessions, anna, "public")
    like_by_many(sessions, new_post(sessions, anna, image), 501)
    removal = partial(remove_image, image_id=image)
    first = transact(sessions, removal)
    assert first is not None
    assert not first.is_done
    assert rows_in(sessions, Image, Image.visibility == "private") == 1
    last = transact(sessions, removal)
    assert last is not None
    assert last.is_done
    assert [rows_in(sessions, table) for table in (Image, Post, Like)] == [0, 0, 0]


def like_by_many(sessions: Sessions, post: UUID, count: int) -> None:
    users = [
        {"id": new_id(), "name": n, "name_key": n, "email": n, "email_key": n, "password_hash": "-"}
        for n in (f"person {number}" for number in range(count))
    ]

    def enter(session: Session) -> None:
        session.execute(insert(User), users)
        session.execute(insert(Like), [{"post_id": post, "user_id": each["id"]} for each in users])
        session.execute(update(Post).where(Post.id == post).values(likes=count))

    transact(sessions, enter)


def statements(sessions: Sessions, work: Any) -> list[str]:
    """The SQL that `work` sends."""
    sent: list[str] = []

    def note(_c: Any, _cursor: Any, statement: str, *_more: Any) -> None:
        sent.append(statement)

    engine = sessions.write.kw["bind"]
    event.listen(engine, "before_cursor_execute", note)
    try:
        work()
    finally:
        event.remove(engine, "before_cursor_execute", note)
    return sent
