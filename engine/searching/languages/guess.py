"""Guess the language of a query from its words."""

from collections.abc import Collection, Sequence

from common.languages.codes import ENGLISH
from common.languages.word_index import KEY, Word
from common.search.text import STOP_WORDS, terms
from engine.searching.languages.words import Known, Match, QueryWord
from engine.words.forms import stop_words

# How much a word suggests its language: found as it was sent, without accents, by its stem or
# its end; a stop word.
EXACT, PLAIN, INFLECTED, STOP = 1.0, 0.9, 0.8, 0.7
# The same for an English word that is no indexed name: as it is in the vocabulary, or inflected.
ENGLISH_WORD, ENGLISH_INFLECTED = 0.85, 0.6


def guess(known: Known, strong: Collection[int], installed: Sequence[str]) -> list[str]:
    """Return the language that the words suggest, or several that they suggest alike.

    English comes first if it explains the words as well as another language does, unless the query
    is a single word that is no indexed name: "chat" may be French.
    """
    evidence: dict[str, dict[int, float]] = {each: {} for each in (ENGLISH, *installed)}
    for match in known.matches:
        for row in match.words:
            certainty = _certainty(match, row, known)
            # A loan word is as much evidence of English: pizza, fast food.
            is_loan = row.english == known.form(match)
            for each in (row.language, ENGLISH) if is_loan else (row.language,):
                for number in range(match.start, match.end):
                    evidence[each][number] = max(certainty, evidence[each].get(number, 0.0))
    for number, word in enumerate(known.words):
        for each in installed:
            if word.key in stop_words(each):
                evidence[each].setdefault(number, STOP)
        if number in known.english:
            value = EXACT if number in strong else _english_evidence(word)
            evidence[ENGLISH][number] = max(value, evidence[ENGLISH].get(number, 0.0))
    totals = {each: sum(scores.values()) for each, scores in evidence.items()}
    english = totals.pop(ENGLISH)
    best = max(totals.values(), default=0.0)
    if english and (english >= best or (len(known.words) > 1 and _is_english(known))):
        return [ENGLISH] if len(known.words) > 1 or strong or not best else _best(totals, best)
    return _best(totals, best) if best else []


def _english_evidence(word: QueryWord) -> float:
    if word.is_english_stop_word:
        return STOP
    return ENGLISH_WORD if terms(word.form) == (word.form,) else ENGLISH_INFLECTED


def _is_english(known: Known) -> bool:
    """Whether all words are English, at least one of them a stop word."""
    return len(known.english) == len(known.words) and any(
        word.form in STOP_WORDS for word in known.words
    )


def _best(totals: dict[str, float], best: float) -> list[str]:
    return [each for each, total in totals.items() if total == best]


def _certainty(match: Match, row: Word, known: Known) -> float:
    if match.how != KEY:
        return INFLECTED
    return EXACT if match.part or row.form == known.form(match) else PLAIN
