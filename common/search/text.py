"""Normalization of queries and texts into words and terms (stems).

The index, the search and its feedback all compare terms made by this module, so that "Kittens"
finds "kitten", and feedback on one query applies to the other.
"""

import re
from functools import lru_cache

from snowballstemmer.english_stemmer import EnglishStemmer

from common.unicode import caseless, normalized, visible

LONGEST_TEXT = 20_000  # characters; the rest of a longer text is not read
LONGEST_FOLDED = 64 * LONGEST_TEXT  # one character becomes at most 18 in NFKC, and each of these 3

# Words that carry no information about an image. A query of such words only keeps them.
_STOP_WORDS = """
a about all an and any are as at be been but by can did do does for from had has have he her him his
i if in into is it its me my of off on or our out over she show so some than that the their them
then there these they this those to too under up us was we were what when where which while who will
with you your find image images photo photos photograph photographs picture pictures search
"""
STOP_WORDS = frozenset(_STOP_WORDS.split())

# Plurals that the stemmer does not reduce to their singular.
IRREGULAR = {
    "calves": "calf", "children": "child", "dice": "die", "elves": "elf", "feet": "foot",
    "geese": "goose", "halves": "half", "hooves": "hoof", "knives": "knife", "leaves": "leaf",
    "lice": "louse", "lives": "life", "loaves": "loaf", "men": "man", "mice": "mouse",
    "oxen": "ox", "people": "person", "scarves": "scarf", "shelves": "shelf", "teeth": "tooth",
    "thieves": "thief", "wives": "wife", "wolves": "wolf", "women": "woman",
}  # fmt: skip

_WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)*")
_APOSTROPHES = str.maketrans(dict.fromkeys("‘’ʼ", "'"))  # as phones and word processors write them
# Scripts written without spaces; each two adjacent characters count as a word.
_UNSPACED = re.compile("[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]+")
_ACCENTS = re.compile("[\u0300-\u036f]")
_POSSESSIVE = re.compile("'s?$")


def normalise(query: str) -> str:
    """Return the query in the form that is stored and compared: NFKC, case-folded, without
    invisible characters, with single spaces between words and no space at the ends.
    """
    return " ".join(caseless(visible(query[:LONGEST_TEXT]), LONGEST_TEXT).split())


def terms(query: str) -> tuple[str, ...]:
    """Return the distinct stems of a query's words, in their order; empty if it has no words.

    Stop words are left out, unless the query has no other words.
    """
    all_words = words(query)
    content = [word for word in all_words if word not in STOP_WORDS]
    return tuple(dict.fromkeys(map(stem, content or all_words)))


def words(text: str) -> list[str]:
    """Return the words of a text in their order, normalized and without accents, not stemmed."""
    # Only accents are removed: the marks of other scripts are part of their letters.
    plain = _ACCENTS.sub("", normalized(normalise(text), LONGEST_FOLDED, "NFKD"))
    plain = plain.translate(_APOSTROPHES)
    matches = _WORD.findall(normalized(plain, 4 * LONGEST_FOLDED, "NFC"))
    return [part for word in matches for part in _parts(_POSSESSIVE.sub("", word))]


@lru_cache(maxsize=16_384)
def stem(word: str) -> str:
    """Return the stem of a normalized word, by Snowball's English algorithm (Porter2).

    A stemmer object holds the current word, so each call creates one; threads share only the cache.
    """
    stemmed: str = EnglishStemmer().stemWord(IRREGULAR.get(word, word))
    return stemmed


def _parts(word: str) -> list[str]:
    """Return the word, or its pairs of adjacent characters in a script without spaces."""
    if not _UNSPACED.fullmatch(word) or len(word) < 3:
        return [word]
    return [word[at : at + 2] for at in range(len(word) - 1)]
