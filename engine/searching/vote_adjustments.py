"""What votes change in a search's ranking."""

from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

from sqlalchemy import bindparam, select

from common.database.session import Sessions, execute, read
from common.model_reference import reference_of
from common.search.feedback import Learnt, learnt
from common.search.feedback.scores import MOST_AGAINST
from common.tables import Prediction, State
from common.tasks.embed import CONTRACT as EMBED
from engine.index.store import Index
from engine.searching.rocchio import Vector, agreement, middle, moved
from engine.searching.scoring import Candidate

GUIDES = 10  # images liked, and as many disliked, whose looks count
TOP = 5  # candidates that stand for where the query is among the vectors
COMPARED = 100  # candidates whose looks are compared
LIKING = 0.5  # of a score: what being liked by everybody adds to it
LOOKS = 0.6  # of a score, for each step of cosine similarity that the query's move gives
FRIENDS = 20  # images that look like what is liked, whatever is said of them
NEAR = 0.7  # cosine similarity from which one does
AGREED = 0.3  # of the votes on what it looks like, so many more for than against
LIKED, ALIKE = "liked for this query", "looks like what was liked"

_p = Prediction
EMBEDDER = (
    select(_p.model, _p.result)
    .where(
        _p.image_id.in_(bindparam("images", expanding=True)),
        _p.task == EMBED.name,
        _p.state == State.SUCCEEDED,
    )
    .order_by(_p.id.desc())
    .limit(1)
)


class Lessons:
    """What was learnt from votes, as all searches of a worker use it."""

    def __init__(self, sessions: Sessions, index: Index):
        self._sessions = sessions
        self._index = index

    def apply(self, query: str, found: Sequence[Candidate], seen_by: str) -> list[Candidate]:
        """The candidates, best first, after all votes on this query and on those like it; and what
        was liked or looks like it, though nothing else leads there.
        """
        lesson = read(self._sessions, lambda session: learnt(session, query))
        ranked = _ranked(found)
        if not lesson.boosts:
            return ranked
        ranked += self._follow_looks(ranked, lesson, seen_by)
        for each in ranked:
            each.score += LIKING * max(0.0, lesson.boosts.get(each.id, 0.0))
        return _evened(sink(_ranked(ranked), lesson))

    def _follow_looks(
        self, ranked: Sequence[Candidate], lesson: Learnt, seen_by: str
    ) -> list[Candidate]:
        """Move the candidates' scores by their looks; returns those that only votes lead to."""
        liked, disliked = lesson.liked[:GUIDES], lesson.disliked[:GUIDES]
        if (embedder := self._embedder([*liked, *disliked])) is None:
            return []
        wanted = {*(each.id for each in ranked[:COMPARED]), *liked, *disliked}
        vectors = self._index.vectors(*embedder, wanted, seen_by)
        start = middle(_those(vectors, (each.id for each in ranked[:TOP])))
        goal = moved(start, _those(vectors, liked), _those(vectors, disliked))
        if goal is None:
            return []
        if start is not None:
            _move(ranked, vectors, goal - start, lesson.boosts)
        known = {each.id for each in ranked}
        new = [Candidate(id, 0.0, 0.5, [LIKED]) for id in liked if id in vectors.keys() - known]
        friends = self._friends(embedder, goal, lesson, vectors, seen_by) if liked else {}
        unknown = friends.keys() - known - set(liked)
        return new + [Candidate(id, friends[id], 0.5, [ALIKE]) for id in sorted(unknown)]

    def _friends(
        self,
        embedder: tuple[str, int],
        goal: Vector,
        lesson: Learnt,
        vectors: Mapping[UUID, Vector],
        seen_by: str,
    ) -> dict[UUID, float]:
        """What looks like the liked, and not as much like the disliked, with its score."""
        near = self._index.alike(embedder[0], goal, seen_by, FRIENDS)
        cosines = {id: cosine for id, cosine in near if cosine >= NEAR}
        found = self._index.vectors(*embedder, cosines, seen_by)
        guides = [id for id in (*lesson.liked[:GUIDES], *lesson.disliked[:GUIDES]) if id in vectors]
        verdicts = [_verdict(lesson.boosts[id]) for id in guides]
        agreed = agreement(list(found.values()), [vectors[id] for id in guides], verdicts)
        return {
            id: LOOKS * (cosines[id] - NEAR)
            for id, share in zip(found, agreed, strict=True)
            if share >= AGREED
        }

    def _embedder(self, images: Sequence[UUID]) -> tuple[str, int] | None:
        """The model whose vectors these images have, and how long those are."""
        wanted = {"images": images}
        row = read(self._sessions, lambda session: execute(session, EMBEDDER, wanted).first())
        return (reference_of(row.model), row.result["dimensions"]) if row else None


def sink(ranked: Sequence[Candidate], lesson: Learnt) -> list[Candidate]:
    """The ranking after the votes against images: each sinks by its score, but no further than a
    place for each voter.
    """
    order = list(ranked)
    for each in reversed(ranked):
        if each.id in lesson.sinking:
            each.score += LIKING * lesson.boosts[each.id]
            at = order.index(each)
            end = at + lesson.sinking[each.id]
            while at < min(end, len(order) - 1) and order[at + 1].score > each.score:
                order[at], order[at + 1] = order[at + 1], each
                at += 1
    return order


def _move(
    ranked: Sequence[Candidate],
    vectors: Mapping[UUID, Vector],
    step: Vector,
    boosts: Mapping[UUID, float],
) -> None:
    """Add what the query's step brings nearer to each. What is disliked sinks by votes alone."""
    for each in ranked:
        if each.id in vectors:
            gain = LOOKS * float(vectors[each.id] @ step)
            each.score += gain if boosts.get(each.id, 0) >= 0 else max(0.0, gain)


def _verdict(boost: float) -> float:
    """From -1 to 1, how sure the votes are of an image."""
    return boost if boost > 0 else boost / MOST_AGAINST


def _evened(ranked: Sequence[Candidate]) -> list[Candidate]:
    """The same, with scores from 0 to 1 that fall."""
    last = 1.0
    for each in ranked:
        last = each.score = round(max(0.0, min(last, each.score)), 4)
    return list(ranked)


def _ranked(found: Iterable[Candidate]) -> list[Candidate]:
    return sorted(found, key=lambda each: -each.score)


def _those(vectors: Mapping[UUID, Vector], ids: Iterable[UUID]) -> list[Vector]:
    return [vectors[id] for id in ids if id in vectors]
