"""How words of all languages are split and compared: by form, by key and by stem.

The form is the word without differences of case and compatibility characters. The key also lacks
accents and vowel points (pajaro for pájaro, قط for قِطّ). The stem, by the language's Snowball
algorithm, is equal for most inflected forms (Katze, Katzen).
"""

import re
from functools import lru_cache

import snowballstemmer
import stopwordsiso

from common.languages.codes import LANGUAGES
from common.search.text import LONGEST_FOLDED, normalise
from common.unicode import normalized

# Marks that are parts of words: accents, and the vowel signs of Arabic and Devanagari.
_MARKS = (
    "\u0300-\u036f\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u06dc"
    "\u0900-\u0903\u093a-\u094f\u0962\u0963\u3099"
)
WORD = re.compile(f"(?:[^\\W_]|[{_MARKS}])+")
_ACCENTS = re.compile("[\u0300-\u036f\u0610-\u061a\u0640\u064b-\u065f\u0670\u06d6-\u06dc]")
# Letters that do not decompose, and letters of Arabic that are written for each other.
_LETTERS = str.maketrans(
    {"ł": "l", "ø": "o", "đ": "d", "æ": "ae", "œ": "oe", "ı": "i", "ى": "ي", "ة": "ه"}
)
# Scripts written without spaces between words: kana and Han.
UNSPACED = re.compile("[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff々ー]+")
HANGUL = re.compile("[\uac00-\ud7a3]+")


def forms(text: str) -> list[str]:
    """Return the words of a text, normalized and case-folded, with accents. Parts at an apostrophe
    or a hyphen are words of their own.
    """
    return WORD.findall(normalise(text))


def key(form: str) -> str:
    """Return the form without accents and vowel points."""
    if form.isascii():
        return form
    plain = _ACCENTS.sub("", normalized(form, LONGEST_FOLDED, "NFKD")).translate(_LETTERS)
    return normalized(plain, LONGEST_FOLDED, "NFC")


@lru_cache(maxsize=16_384)
def stem(form: str, language: str) -> str:
    """Return the stem of a form, with accents; the form itself in a language without a stemmer.

    A stemmer object holds the current word, so each call creates one; threads share only the cache.
    """
    algorithm = LANGUAGES[language].stemmer
    return snowballstemmer.stemmer(algorithm).stemWord(form) if algorithm else form


@lru_cache(maxsize=64)
def stop_words(language: str) -> frozenset[str]:
    """Return the keys of the words that carry no meaning of their own, such as articles."""
    code = LANGUAGES[language].stop_words or language
    return frozenset(key(form) for word in stopwordsiso.stopwords(code) for form in forms(word))
