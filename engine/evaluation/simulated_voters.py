"""Simulated voters, who see the first results of a search and vote on them."""

from collections.abc import Callable, Iterable, Sequence
from hashlib import sha256
from random import Random
from uuid import UUID

from sqlalchemy import delete
from sqlalchemy.orm import Session

from common.database.session import Sessions, transact
from common.search.feedback import Opinion, record
from common.tables import TermScore, Vote, Voter
from engine.evaluation.measures import FIRST
from engine.evaluation.queries import Question

Search = Callable[[str], Sequence[UUID]]


def vote(
    sessions: Sessions,
    search: Search,
    asked: Iterable[Question],
    voters: int,
    noise: float,
    seed: int,
) -> int:
    """Let `voters` voters vote on the first ten results of each query; return the number of votes.

    A share of `noise` of the votes is wrong: at 0.5 votes carry no information.
    """
    chance = Random(seed)
    votes = 0
    for number, question in enumerate(asked):
        seen = search(question.query)[:FIRST]
        for voter in range(voters):
            opinions = [
                Opinion(query=question.query, image_id=image, value=1 if good else -1)
                for image, good in _judged(seen, question, noise, chance)
            ]
            _record(sessions, f"{seed} {number} {voter}", opinions)
            votes += len(opinions)
    return votes


def _judged(
    seen: Sequence[UUID], question: Question, noise: float, chance: Random
) -> list[tuple[UUID, bool]]:
    return [(image, (image in question.right) != (chance.random() < noise)) for image in seen]


def _record(sessions: Sessions, voter: str, opinions: Sequence[Opinion]) -> None:
    name = sha256(voter.encode()).digest()
    transact(sessions, lambda session: record(session, name, opinions))


def forget(sessions: Sessions) -> None:
    """Delete all votes."""

    def work(session: Session) -> None:
        for table in (Vote, Voter, TermScore):
            session.execute(delete(table))

    transact(sessions, work)
