"""What votes change in a search's ranking."""

from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

from sqlalchemy import bindparam, select

from common.database.session import Sessions, execute, read
from common.model_reference import reference_of
from common.search.feedback import Adjustments, read_adjustments
from common.search.feedback.scores import LARGEST_PENALTY
from common.tables import Prediction, State
from common.tasks.embed import CONTRACT as EMBED
from engine.index.store import Index
from engine.searching.rocchio import Vector, agreement, middle, moved
from engine.searching.scoring import Candidate

GUIDES = 10  # liked images, and as many disliked ones, whose vectors are used
TOP = 5  # candidates whose mean vector represents the query
COMPARED = 100  # candidates whose vectors are compared
LIKING = 0.5  # added to the score of an image that all voters like
LOOKS = 0.6  # added to the score per cosine similarity gained by moving the query
SIMILAR = 20  # images similar to liked ones that are considered
NEAR = 0.7  # cosine similarity from which an image counts as similar
AGREED = 0.3  # minimum surplus of positive votes on similar images
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


class VoteAdjustments:
    """Adjusts rankings by votes; one instance serves all searches of a worker."""

    def __init__(self, sessions: Sessions, index: Index):
        self._sessions = sessions
        self._index = index

    def apply(self, query: str, found: Sequence[Candidate], seen_by: str) -> list[Candidate]:
        """Return the candidates, best first, after votes on this query and on similar ones. Liked
        images, and images similar to them, are added even if they do not match the query.
        """
        lesson = read(self._sessions, lambda session: read_adjustments(session, query))
        ranked = _ranked(found)
        if not lesson.boosts:
            return ranked
        ranked += self._follow_looks(ranked, lesson, seen_by)
        for each in ranked:
            each.score += LIKING * max(0.0, lesson.boosts.get(each.id, 0.0))
        return _evened(sink(_ranked(ranked), lesson))

    def _follow_looks(
        self, ranked: Sequence[Candidate], lesson: Adjustments, seen_by: str
    ) -> list[Candidate]:
        """Adjust the candidates' scores by their vectors; return the images that only votes lead
        to.
        """
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
        similar = self._similar(embedder, goal, lesson, vectors, seen_by) if liked else {}
        unknown = similar.keys() - known - set(liked)
        return new + [Candidate(id, similar[id], 0.5, [ALIKE]) for id in sorted(unknown)]

    def _similar(
        self,
        embedder: tuple[str, int],
        goal: Vector,
        lesson: Adjustments,
        vectors: Mapping[UUID, Vector],
        seen_by: str,
    ) -> dict[UUID, float]:
        """Return images similar to the liked ones and less similar to the disliked ones, with their
        scores.
        """
        near = self._index.alike(embedder[0], goal, seen_by, SIMILAR)
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
        """Return the model that embedded these images, and the length of its vectors."""
        wanted = {"images": images}
        row = read(self._sessions, lambda session: execute(session, EMBEDDER, wanted).first())
        return (reference_of(row.model), row.result["dimensions"]) if row else None


def sink(ranked: Sequence[Candidate], lesson: Adjustments) -> list[Candidate]:
    """Return the ranking after votes against images: each sinks by its score, but by no more places
    than it has voters against it.
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
    """Add to each score what the query's move gains in similarity. Disliked images only sink by
    votes.
    """
    for each in ranked:
        if each.id in vectors:
            gain = LOOKS * float(vectors[each.id] @ step)
            each.score += gain if boosts.get(each.id, 0) >= 0 else max(0.0, gain)


def _verdict(boost: float) -> float:
    """Return how clear the votes on an image are, from -1 to 1."""
    return boost if boost > 0 else boost / LARGEST_PENALTY


def _evened(ranked: Sequence[Candidate]) -> list[Candidate]:
    """Return the candidates with descending scores from 0 to 1."""
    last = 1.0
    for each in ranked:
        last = each.score = round(max(0.0, min(last, each.score)), 4)
    return list(ranked)


def _ranked(found: Iterable[Candidate]) -> list[Candidate]:
    return sorted(found, key=lambda each: -each.score)


def _those(vectors: Mapping[UUID, Vector], ids: Iterable[UUID]) -> list[Vector]:
    return [vectors[id] for id in ids if id in vectors]
