"""Searches for a text."""

from collections.abc import Sequence
from typing import Any

from common.database.session import Sessions
from common.tasks.search import MOST_RESULTS
from engine.index.documents import FIELDS, Words
from engine.index.store import Hit, Index
from engine.searching.query_expansion import Asked, understand
from engine.searching.ranking import BANDS, HIGH, LOW, MEDIUM, bands, fuse
from engine.searching.related import load_related
from engine.searching.scoring import Candidate, Judge
from engine.searching.vote_adjustments import Lessons

CANDIDATES = 150  # that are judged; BM25 picks them
# How much a field counts when BM25 picks.
BOOSTS = dict(zip(FIELDS, (3.0, 1.5, 2.0, 1.0, 2.0, 1.0), strict=True))
NAMES = {"labels": 3.0, "broader": 1.5, "objects": 2.0}
NO_WORDS = "There are no words in this query that could be looked for."
NOTHING = "Nothing matches this query."
EMPTY = "Nothing matches: no image is indexed yet."
MODEL = {"name": "bm25-labels", "version": "3"}  # raise it when the ranking changes


class TextSearch:
    """What all searches of a worker share."""

    def __init__(self, sessions: Sessions, index: Index):
        self._index = index
        self._lessons = Lessons(sessions, index)
        self._words = Words()
        self._related = load_related()
        self.model: dict[str, Any] = MODEL
        index.count()  # opens it, so that the first search does not wait for that

    def find(self, query: str, seen_by: str) -> dict[str, Any]:
        """The result of the task: ranked images, or why there are none."""
        asked = understand(query, self._related)
        if not asked.terms:
            return nothing(NO_WORDS)
        judge = Judge(asked, self._words)
        judged = [judge.judge(hit) for hit in self._candidates(asked, seen_by)]
        found = [each for each in judged if each.score > 0]
        ranked = self._lessons.apply(query, found, seen_by)[:MOST_RESULTS]
        if not ranked:
            return nothing(NOTHING if self._index.count() else EMPTY)
        return {"items": told(ranked), "detail": None}

    def _candidates(self, asked: Asked, seen_by: str) -> Sequence[Hit]:
        """By the query's own words, and by the names that are related to them."""
        own = self._index.find(asked.text, BOOSTS, seen_by, CANDIDATES)
        if not asked.related:
            return own
        others = self._index.find(asked.related_text, NAMES, seen_by, CANDIDATES)
        hits = {hit.id: hit for hit in (*others, *own)}
        order = fuse([[hit.id for hit in own], [hit.id for hit in others]])
        return [hits[id] for id in order]


def told(ranked: Sequence[Candidate]) -> list[dict[str, Any]]:
    """The items of a result. No image is highly relevant that leaves out most of the query."""
    best = HIGH if ranked[0].matched > 0.5 else MEDIUM
    relevance = bands([each.score for each in ranked], best)
    return [
        {
            "image_id": str(each.id),
            "score": each.score,
            "relevance": _capped(band, each.matched),
            "why": each.why,
        }
        for each, band in zip(ranked, relevance, strict=True)
    ]


def nothing(detail: str) -> dict[str, Any]:
    """An honest answer."""
    return {"items": [], "detail": detail}


def _capped(band: str, matched: float) -> str:
    most = HIGH if matched > 0.5 else MEDIUM if matched > 0.25 else LOW
    return max(band, most, key=BANDS.index)
