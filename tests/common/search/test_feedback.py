"""Votes, and what queries learn from them, on every database."""

import random
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from common.database.ids import new_id
from common.database.session import Sessions, read, transact
from common.search.feedback import Adjustments, Opinion, read_adjustments, record
from common.search.feedback.record import PER_DAY, PER_IMAGE
from common.search.feedback.scores import LARGEST_PENALTY
from common.search.feedback.term_scores import VOTE, votes_by_key
from common.tables import TermScore, Vote, Voter
from tests.support.rows.databases import sessions as sessions
from tests.support.servers.backends import database_url as database_url

CAT, DOG = new_id(), new_id()


def voter(name: object) -> bytes:
    return sha256(str(name).encode()).digest()


def vote(sessions: Sessions, who: object, *said: tuple[str, UUID, int]) -> None:
    opinions = [Opinion(query=query, image_id=image, value=value) for query, image, value in said]
    transact(sessions, lambda session: record(session, voter(who), opinions))


def look(sessions: Sessions, query: str) -> Adjustments:
    return read(sessions, lambda session: read_adjustments(session, query))


def boost(sessions: Sessions, query: str, image: UUID = CAT) -> float:
    return look(sessions, query).boosts.get(image, 0.0)


def count(sessions: Sessions, table: Any) -> int:
    rows = select(func.count()).select_from(table)
    return read(sessions, lambda session: session.scalar(rows)) or 0


def test_a_vote_moves_the_next_search(sessions: Sessions) -> None:
    assert look(sessions, "a cat") == Adjustments()
    vote(sessions, 1, ("cat in the park", CAT, 1), ("cat in the park", DOG, -1))
    found = look(sessions, "cat in the park")
    assert (found.liked, found.disliked, found.sinking) == ([CAT], [DOG], {DOG: 1})
    assert found.boosts[CAT] == pytest.approx(0.5, abs=0.01), "one voice against a prior of one"
    assert found.boosts[DOG] == pytest.approx(-0.5 * LARGEST_PENALTY, abs=0.01)


def test_what_is_learnt_holds_for_other_words_of_the_same_and_less_for_the_alike(
    sessions: Sessions,
) -> None:
    vote(sessions, 1, ("Kittens playing", CAT, 1))
    whole = boost(sessions, "kittens playing")
    assert boost(sessions, "a playing KITTEN") == whole
    alike = [boost(sessions, query) for query in ("kitten", "kitten and puppy", "one two kitten")]
    assert whole > alike[0] > alike[1] > alike[2] > 0, "by how many terms they share"
    assert boost(sessions, "puppy") == 0


@pytest.mark.parametrize("query", ["🐈", "?!", "的", "x" * 300, "ﷺ" * 300, "a b c d e f g h i j"])
def test_any_query_can_be_voted_on(sessions: Sessions, query: str) -> None:
    vote(sessions, 1, (query, CAT, 1))
    assert look(sessions, query).boosts == {CAT: pytest.approx(0.5, abs=0.01)}


def test_a_vote_again_replaces_and_zero_takes_it_back(sessions: Sessions) -> None:
    vote(sessions, 1, ("cat", CAT, 1), ("cat", CAT, 1))
    once = look(sessions, "cat")
    vote(sessions, 1, ("CAT ", CAT, 1))
    assert (look(sessions, "cat"), count(sessions, Vote)) == (once, 1)
    vote(sessions, 1, ("cat", CAT, -1))
    assert look(sessions, "cat").disliked == [CAT]
    vote(sessions, 1, ("cat", CAT, 0), ("cat", DOG, 0))
    assert (look(sessions, "cat"), count(sessions, Vote)) == (Adjustments(), 0)
    vote(sessions, 1)


def test_more_voters_are_surer(sessions: Sessions) -> None:
    seen = []
    for who in range(5):
        vote(sessions, who, ("cat", CAT, 1))
        seen.append(boost(sessions, "cat"))
    assert seen == sorted(seen)
    assert len(set(seen)) == 5
    assert seen[-1] < 1


def test_hostile_votes_do_not_bury_an_image(sessions: Sessions) -> None:
    for who in range(200):
        vote(sessions, who, ("cat", DOG, -1))
    assert -LARGEST_PENALTY < boost(sessions, "cat", DOG) < -0.9 * LARGEST_PENALTY
    vote(sessions, "a", ("cat", CAT, 1))
    vote(sessions, "b", ("cat", CAT, 1))
    for who in range(3):
        vote(sessions, who, ("cat", CAT, -1))
    found = look(sessions, "cat")
    assert found.sinking[CAT] == 1, "two spoke for it"
    assert found.boosts[CAT] > -0.1


def test_a_voter_has_one_voice_for_an_image(sessions: Sessions) -> None:
    vote(sessions, 1, *((f"cat number{n}", CAT, 1) for n in range(PER_IMAGE)))
    vote(sessions, 2, ("cat", DOG, 1))
    assert boost(sessions, "cat") < boost(sessions, "cat", DOG)
    lesson = read(sessions, lambda s: s.scalar(select(func.max(TermScore.up))))
    assert lesson == VOTE


def test_only_so_many_votes_on_an_image_count(sessions: Sessions) -> None:
    vote(sessions, 1, *((f"word{n}", CAT, 1) for n in range(PER_IMAGE)))
    vote(sessions, 1, ("more", CAT, 1))
    assert boost(sessions, f"word{PER_IMAGE - 1}") > 0
    assert boost(sessions, "more") == 0
    assert count(sessions, Vote) == PER_IMAGE + 1, "kept, all the same"
    vote(sessions, 1, ("more", DOG, 1), ("word0", CAT, -1))
    assert boost(sessions, "more", DOG) > 0 > boost(sessions, "word0")


@pytest.mark.slow
def test_only_so_many_votes_of_a_day_count(sessions: Sessions) -> None:
    vote(sessions, 1, *(("cat", new_id(), 1) for _ in range(PER_DAY - 1)))
    vote(sessions, 1, ("dog", DOG, 1), ("dog", CAT, 1))
    assert look(sessions, "dog").liked == [DOG]
    vote(sessions, 2, ("dog", CAT, 1))
    assert set(look(sessions, "dog").liked) == {CAT, DOG}, "others have their own day"
    yesterday = update(Voter).values(day=func.date("2020-01-01"))
    transact(sessions, lambda session: session.execute(yesterday))
    vote(sessions, 1, ("tomorrow", CAT, 1))
    assert boost(sessions, "tomorrow") > 0


QUERIES = ["cat", "black cat", "black dog", "a dog in a park", "park", "🐈"]


def recounted(session: Session) -> Counter[tuple[UUID, UUID, str]]:
    """What the lessons must say, from the votes alone."""
    by_voter: dict[tuple[bytes, UUID], list[tuple[str, int]]] = {}
    for row in session.execute(
        select(Vote.voter, Vote.image_id, Vote.query, Vote.value, Vote.weight)
    ):
        mine = by_voter.setdefault((row.voter, row.image_id), [])
        mine.append((row.query, row.value * row.weight))
    found = Counter[tuple[UUID, UUID, str]]()
    for (_, image), votes in by_voter.items():
        for key, value in votes_by_key(votes).items():
            found[key, image, "up" if value > 0 else "down"] += abs(value)
    return +found


def written(session: Session) -> Counter[tuple[UUID, UUID, str]]:
    found = Counter[tuple[UUID, UUID, str]]()
    for row in session.scalars(select(TermScore)):
        assert row.net == row.up - row.down
        found[row.term_key, row.image_id, "up"] = row.up
        found[row.term_key, row.image_id, "down"] = row.down
    return +found


def anything(chance: random.Random, count: int) -> Iterable[tuple[str, UUID, int]]:
    for _ in range(count):
        yield chance.choice(QUERIES), chance.choice((CAT, DOG)), chance.choice((-1, 0, 1))


@pytest.mark.parametrize("seed", range(3))
def test_lessons_are_what_all_votes_add_up_to(sessions: Sessions, seed: int) -> None:
    chance = random.Random(seed)
    for _ in range(60):
        vote(sessions, chance.randrange(4), *anything(chance, chance.randint(1, 4)))
    with sessions.read() as session:
        assert written(session) == recounted(session)


def test_votes_at_the_same_time_are_all_counted(sessions: Sessions) -> None:
    def many(seed: int) -> None:
        chance = random.Random(seed)
        for _ in range(20):
            # Half of them are of one voter, who comes from several places at once.
            vote(sessions, seed if seed % 2 else "same", *anything(chance, 2))

    at_once: Callable[..., Any] = ThreadPoolExecutor(8).map
    list(at_once(many, range(8)))
    with sessions.read() as session:
        assert written(session) == recounted(session)
        assert session.scalar(select(func.count()).select_from(Voter)) == 5
