"""Posts, likes and follows as rows: counters stay true, whatever goes, on every database."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import pytest
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from common import social
from common.database.ids import new_id
from common.database.session import Sessions, transact
from common.errors import InputFault, Unauthorized
from common.social import share_links
from common.tables import Follow, Image, Like, Post, Prediction, ShareLink, User
from tests.support.rows.social import anna as anna
from tests.support.rows.social import ben as ben
from tests.support.rows.social import like, likes_of, new_image, new_post, posts_of, rows_in, unlike
from tests.support.rows.social import people as people

MANY = 50


def link(sessions: Sessions, post: UUID, owner: UUID) -> UUID:
    id = new_id()
    assert transact(sessions, lambda session: share_links.create(session, id, post, owner))
    return id


def remove(sessions: Sessions, *posts: UUID) -> int:
    return transact(sessions, lambda session: social.remove(session, posts))


def test_posts_show_their_image_and_count_themselves(sessions: Sessions, anna: UUID) -> None:
    image = new_image(sessions, anna)
    first, second = (new_post(sessions, anna, image) for _ in range(2))
    assert posts_of(sessions, image) == 2
    assert remove(sessions, first) == 1
    assert posts_of(sessions, image) == 1
    assert remove(sessions, first, second) == 1
    assert (posts_of(sessions, image), rows_in(sessions, Post)) == (0, 0)
    assert remove(sessions) == remove(sessions, first) == 0


def test_what_is_posted_edited_or_taken_away_is_indexed_again(
    sessions: Sessions, anna: UUID
) -> None:
    image = new_image(sessions, anna)

    def notes() -> int:
        """How many there are; they are taken away, as if an engine had."""
        its = Prediction.image_id == image
        count = rows_in(sessions, Prediction, its, Prediction.task == "index")
        transact(sessions, lambda session: session.execute(delete(Prediction).where(its)))
        return count

    post = new_post(sessions, anna, image)
    assert notes() == 1
    assert transact(sessions, lambda session: social.edit(session, post, "Other words"))
    assert notes() == 1
    assert remove(sessions, post) == 1
    assert notes() == 1


def test_only_an_image_of_ones_own_can_be_posted(sessions: Sessions, anna: UUID, ben: UUID) -> None:
    images = [new_image(sessions, owner, "public") for owner in (ben, None)]
    for image in [*images, new_id()]:
        with pytest.raises(InputFault) as error:
            new_post(sessions, anna, image)
        assert (error.value.code, list(error.value.errors or ())) == (
            "image_not_found",
            ["image_id"],
        )
    assert [posts_of(sessions, image) for image in images] == [0, 0]
    assert rows_in(sessions, Post) == 0


def test_an_account_that_is_gone_does_nothing_more(sessions: Sessions, anna: UUID) -> None:
    post, ghost = new_post(sessions, anna), new_id()
    for work in (
        lambda session: social.create(session, new_id(), ghost, new_id(), "x"),
        lambda session: social.like(session, post, ghost),
        lambda session: social.follow(session, ghost, anna),
        lambda session: share_links.create(session, new_id(), post, ghost),
    ):
        with pytest.raises(Unauthorized):
            transact(sessions, work)
    assert likes_of(sessions, post) == 0


def test_a_like_counts_once_and_is_taken_back_once(
    sessions: Sessions, anna: UUID, ben: UUID
) -> None:
    post = new_post(sessions, anna)
    for user, count in ((anna, 1), (anna, 1), (ben, 2)):
        assert like(sessions, post, user)
        assert likes_of(sessions, post) == count
    for count in (1, 1):
        assert unlike(sessions, post, anna)
        assert likes_of(sessions, post) == count == rows_in(sessions, Like)
    remove(sessions, post)
    assert not like(sessions, post, anna)
    assert not unlike(sessions, post, ben)
    assert rows_in(sessions, Like) == 0


def test_the_counter_is_true_after_many_likes_at_once(
    sessions: Sessions, anna: UUID, people: Callable[[int], list[UUID]]
) -> None:
    post, fans = new_post(sessions, anna), people(MANY)
    with ThreadPoolExecutor(16) as pool:
        assert all(pool.map(lambda user: like(sessions, post, user), fans * 2))
        assert likes_of(sessions, post) == rows_in(sessions, Like) == MANY
        steps = [(unlike, user) for user in fans[: MANY // 2]] * 2
        steps += [(like, user) for user in fans[MANY // 2 :]]
        assert all(pool.map(lambda step: step[0](sessions, post, step[1]), steps))
    assert likes_of(sessions, post) == rows_in(sessions, Like) == MANY // 2


def test_a_post_that_goes_while_it_is_liked_leaves_nothing(
    sessions: Sessions, anna: UUID, people: Callable[[int], list[UUID]]
) -> None:
    image = new_image(sessions, anna)
    post, fans = new_post(sessions, anna, image), people(20)
    with ThreadPoolExecutor(8) as pool:
        liked = [pool.submit(like, sessions, post, user) for user in fans[:10]]
        gone = pool.submit(remove, sessions, post)
        liked += [pool.submit(like, sessions, post, user) for user in fans[10:]]
        assert gone.result() == 1
        assert {each.result() for each in liked} <= {True, False}
    assert rows_in(sessions, Like) == rows_in(sessions, Post) == posts_of(sessions, image) == 0


def test_one_follows_others_and_not_oneself(sessions: Sessions, anna: UUID, ben: UUID) -> None:
    for _ in range(2):
        assert transact(sessions, lambda session: social.follow(session, anna, ben))
    assert rows_in(sessions, Follow) == 1
    with pytest.raises(InputFault) as error:
        transact(sessions, lambda session: social.follow(session, anna, anna))
    assert error.value.code == "follow_yourself"
    assert not transact(sessions, lambda session: social.follow(session, anna, new_id()))
    for _ in range(2):
        transact(sessions, lambda session: social.unfollow(session, anna, ben))
        assert rows_in(sessions, Follow) == 0


def test_two_who_follow_each_other_at_once_both_do(
    sessions: Sessions, anna: UUID, ben: UUID
) -> None:
    pairs = [(anna, ben), (ben, anna)] * 10

    def both(pair: tuple[UUID, UUID]) -> bool:
        return transact(sessions, lambda session: social.follow(session, *pair))

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(both, pairs))
    assert rows_in(sessions, Follow) == 2


def test_an_image_takes_its_posts_with_it(sessions: Sessions, anna: UUID, ben: UUID) -> None:
    image, other = new_image(sessions, anna), new_post(sessions, anna)
    for post in [new_post(sessions, anna, image) for _ in range(3)]:
        like(sessions, post, ben)
        link(sessions, post, anna)
    like(sessions, other, ben)

    def remove_image(session: Session) -> int:
        count = social.remove_some_posts_of_image(session, image)
        session.execute(delete(Prediction).where(Prediction.image_id == image))
        session.execute(delete(Image).where(Image.id == image))
        return count

    assert transact(sessions, remove_image) == 6, "three posts and their likes"
    assert (rows_in(sessions, Post), rows_in(sessions, Like)) == (1, 1)
    assert (rows_in(sessions, ShareLink), likes_of(sessions, other)) == (0, 1)


def test_an_account_takes_with_it_what_it_has_shared(
    sessions: Sessions, anna: UUID, ben: UUID
) -> None:
    image, hers, his = new_image(sessions, anna), new_post(sessions, anna), new_post(sessions, ben)
    new_post(sessions, anna, image)
    for post in (hers, his):
        for user in (anna, ben):
            like(sessions, post, user)
        link(sessions, post, anna)
    for pair in ((anna, ben), (ben, anna)):
        transact(sessions, lambda session, pair=pair: social.follow(session, *pair))  # type: ignore[misc]

    def remove_user(session: Session) -> int:
        count = social.remove_posts_of_user(session, anna)
        hers = select(Image.id).where(Image.owner_id == anna)
        session.execute(delete(Prediction).where(Prediction.image_id.in_(hers)))
        session.execute(delete(Image).where(Image.owner_id == anna))
        session.execute(delete(User).where(User.id == anna))
        return count

    assert transact(sessions, remove_user) == 2
    assert (rows_in(sessions, Post), likes_of(sessions, his)) == (1, 1)
    assert rows_in(sessions, Like, Like.user_id == ben) == rows_in(sessions, Like) == 1
    assert (rows_in(sessions, Follow), rows_in(sessions, ShareLink)) == (0, 0)


def test_a_text_is_changed_and_its_time_with_it(sessions: Sessions, anna: UUID) -> None:
    post = new_post(sessions, anna, text="Before")
    assert transact(sessions, lambda session: social.edit(session, post, "After\né😀"))
    assert not transact(sessions, lambda session: social.edit(session, new_id(), "x"))
    row = transact(sessions, lambda session: session.get(Post, post))
    assert row
    assert row.text == "After\né😀"
    assert row.updated_at >= row.created_at
