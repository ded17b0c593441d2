"""What a query and a text come down to: normalised words, and the stems by which they are compared.

The index, the search and the feedback on it all compare terms that this file has made, so that
"Kittens" finds "kitten" and what was learnt of the one holds for the other.
"""

import re
from functools import lru_cache

from snowballstemmer.english_stemmer import EnglishStemmer

from common.unicode import caseless, normalized, visible

LONGEST_TEXT = 20_000  # characters; the rest of a longer text is not read
LONGEST_FOLDED = 64 * LONGEST_TEXT  # one character becomes at most 18 in NFKC, and each of these 3

# What says nothing about a picture. A query of nothing else keeps its words.
_SAYING_NOTHING = """
a about all an and any are as at be been but by can did do does for from had has have he her him his
i if in into is it its me my of off on or our out over she show so some than that the their them
then there these they this those to too under up us was we were what when where which while who will
with you your find image images photo photos photograph photographs picture pictures search
"""
STOP_WORDS = frozenset(_SAYING_NOTHING.split())

# Plurals that no rule of stemming leads back.
IRREGULAR = {
    "calves": "calf", "children": "child", "dice": "die", "elves": "elf", "feet": "foot",
    "geese": "goose", "halves": "half", "hooves": "hoof", "knives": "knife", "leaves": "leaf",
    "lice": "louse", "lives": "life", "loaves": "loaf", "men": "man", "mice": "mouse",
    "oxen": "ox", "people": "person", "scarves": "scarf", "shelves": "shelf", "teeth": "tooth",
    "thieves": "thief", "wives": "wife", "wolves": "wolf", "women": "woman",
}  # fmt: skip

_WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)*")
_APOSTROPHES = str.maketrans(dict.fromkeys("‘’ʼ", "'"))  # as phones and word processors write them
# Written without spaces, so each two neighbours stand for a word.
_UNSPACED = re.compile("[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]+")
_ACCENTS = re.compile("[\u0300-\u036f]")
_POSSESSIVE = re.compile("'s?$")


def normalise(query: str) -> str:
    """Return the query as it is kept and compared: NFKC, casefolded, without invisible characters,
    with single spaces and none at the ends.
    """
    return " ".join(caseless(visible(query[:LONGEST_TEXT]), LONGEST_TEXT).split())


def terms(query: str) -> tuple[str, ...]:
    """The distinct stems of a query's content words, in their order; empty when it has no words.

    Stop words are left out, unless there is nothing else.
    """
    found = words(query)
    content = [word for word in found if word not in STOP_WORDS]
    return tuple(dict.fromkeys(map(stem, content or found)))


def words(text: str) -> list[str]:
    """Return the words of a text in their order: normalised, without accents, not stemmed yet."""
    # Only the accents go: the marks of other scripts are part of their letters.
    plain = _ACCENTS.sub("", normalized(normalise(text), LONGEST_FOLDED, "NFKD"))
    plain = plain.translate(_APOSTROPHES)
    found = _WORD.findall(normalized(plain, 4 * LONGEST_FOLDED, "NFC"))
    return [part for word in found for part in _parts(_POSSESSIVE.sub("", word))]


@lru_cache(maxsize=16_384)
def stem(word: str) -> str:
    """The stem of a normalised word, by Snowball's English algorithm (Porter2).

    A stemmer keeps the word it is at, hence one a call: threads share nothing but the cache.
    """
    stemmed: str = EnglishStemmer().stemWord(IRREGULAR.get(word, word))
    return stemmed


def _parts(word: str) -> list[str]:
    """The word, or the pairs of neighbours where it is written without spaces."""
    if not _UNSPACED.fullmatch(word) or len(word) < 3:
        return [word]
    return [word[at : at + 2] for at in range(len(word) - 1)]
