"""Searches for a text."""

from collections.abc import Sequence
from typing import Any

from common.database.session import Sessions
from common.languages.word_index import WordIndex
from common.tasks.search import MOST_RESULTS
from engine.index.documents import FIELDS, Words
from engine.index.store import Hit, Index
from engine.searching.languages.hints import Hints
from engine.searching.languages.translator import Translator
from engine.searching.query_expansion import ParsedQuery, parse
from engine.searching.ranking import BANDS, HIGH, LOW, MEDIUM, bands, fuse
from engine.searching.related import load_related
from engine.searching.scoring import Candidate, Scorer
from engine.searching.vote_adjustments import VoteAdjustments

CANDIDATES = 150  # that are judged; BM25 picks them
# How much a field counts when BM25 picks.
BOOSTS = dict(zip(FIELDS, (3.0, 1.5, 2.0, 1.0, 2.0, 1.0, 1.0), strict=True))
NAMES = {"labels": 3.0, "broader": 1.5, "objects": 2.0}
NO_WORDS = "This query contains no words to search for."
EMPTY = "Nothing matches: no image is indexed yet."
MODEL = {"name": "bm25-labels", "version": "4"}  # increase the version when the ranking changes


class TextSearch:
    """A search by text; one instance serves all searches of a worker."""

    def __init__(self, sessions: Sessions, index: Index, words: WordIndex):
        self._index = index
        self._votes = VoteAdjustments(sessions, index)
        self._words = Words()
        self._related = load_related()
        self._translator = Translator(words, self._words.phrases, self._related)
        self._hints = Hints(words)
        self.model: dict[str, Any] = MODEL
        index.count()  # opens the index, so that the first search need not wait

    def find(self, query: str, seen_by: str, language: str | None = None) -> dict[str, Any]:
        """Return the result of the task: ranked images, or the reason for an empty result.

        `language` is that of the query; None: it is guessed.
        """
        translation = self._translator.translate(query, language)
        parsed = parse(query, self._related, translation.groups if translation else ())
        if not parsed.terms:
            return empty_result(NO_WORDS)
        scorer = Scorer(parsed, self._words)
        scored = [scorer.score(hit) for hit in self._candidates(parsed, seen_by)]
        found = [each for each in scored if each.score > 0]
        read_as = translation.english(query) if translation else query
        ranked = self._votes.apply(read_as, found, seen_by)[:MOST_RESULTS]
        understood = translation.to_result(query) if translation else None
        if not ranked:
            detail = self._hints.nothing_found(translation) if self._index.count() else EMPTY
            return empty_result(detail) | {"query": understood}
        return {"items": to_items(ranked), "detail": None, "query": understood}

    def _candidates(self, parsed: ParsedQuery, seen_by: str) -> Sequence[Hit]:
        """Return the documents found by the query's own words and by related names."""
        own = self._index.find(parsed.text, BOOSTS, seen_by, CANDIDATES)
        if not parsed.related:
            return own
        others = self._index.find(parsed.related_text, NAMES, seen_by, CANDIDATES)
        hits = {hit.id: hit for hit in (*others, *own)}
        order = fuse([[hit.id for hit in own], [hit.id for hit in others]])
        return [hits[id] for id in order]


def to_items(ranked: Sequence[Candidate]) -> list[dict[str, Any]]:
    """Return the items of a result. An image that matches less than half of the query is not highly
    relevant.
    """
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


def empty_result(detail: str) -> dict[str, Any]:
    """Return a result without items."""
    return {"items": [], "detail": detail, "query": None}


def _capped(band: str, matched: float) -> str:
    highest = HIGH if matched > 0.5 else MEDIUM if matched > 0.25 else LOW
    return max(band, highest, key=BANDS.index)
