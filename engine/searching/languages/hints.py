"""The message for a query that found nothing."""

from difflib import get_close_matches

from common.languages.codes import name_of
from common.languages.word_index import WordIndex
from engine.searching.languages.readings import Translation
from engine.words.forms import forms, key

NOTHING = "Nothing matches this query."
SHORTEST = 4  # letters of a word for which similar ones are suggested
MOST_SUGGESTED = 3
ALIKE = 0.8  # difflib's ratio from which words are similar


class Hints:
    """Explains empty results by what the word index knows."""

    def __init__(self, index: WordIndex):
        self._index = index

    def nothing_found(self, translation: Translation | None) -> str:
        """Return why nothing was found: no word is known, or no image has what the words mean."""
        if translation is None or not translation.unknown:
            return NOTHING
        if translation.is_known:
            hint = f"Unknown: {', '.join(translation.unknown)}."
        else:
            names = ", ".join(name_of(code) for code in self._index.languages)
            hint = f"No word of it is known, neither in English nor in: {names}."
        similar = self._similar(translation.unknown)
        return f"{NOTHING} {hint}{f' Similar words: {similar}.' if similar else ''}"

    def _similar(self, unknown: tuple[str, ...]) -> str:
        """Return known names that look like the first unknown words, as text; may be empty.

        Only names with the same first two letters are compared, which are a few hundred.
        """
        found: list[str] = []
        for word in unknown[:MOST_SUGGESTED]:
            text = key(" ".join(forms(word)))
            if len(text) >= SHORTEST:
                names = self._index.keys_from(text[:2], text[:2] + "\U0010ffff")
                found += get_close_matches(text, names, MOST_SUGGESTED, ALIKE)
        return ", ".join(dict.fromkeys(found))
