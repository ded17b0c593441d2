"""Unicode normalization of texts that callers send, in time proportional to their length.

`unicodedata.normalize` sorts each run of combining marks by insertion while it holds the GIL: a run
of 40,000 marks takes seconds. So the length is checked and the runs are cut first. No other module
of the project calls it.
"""

import re
import unicodedata
from typing import Literal

from common.errors import InputFault

Form = Literal["NFC", "NFD", "NFKC", "NFKD"]

LONGEST_RUN = 30  # combining marks in a row: UAX #15, Stream-Safe Text Format

# Characters of combining class 0 that decompose into combining marks only.
HIDDEN_MARKS = frozenset("\u0f73\u0f75\u0f81\uff9e\uff9f")

# Characters with Unicode's property Default_Ignorable_Code_Point, which are not displayed.
INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e"
    "\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3"
    "\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)


def nfc(text: str, limit: int) -> str:
    """Return the text in NFC; raises InputFault `text_too_long` over `limit` characters."""
    return normalized(text, limit, "NFC")


def normalized(text: str, limit: int, form: Form) -> str:
    """Return the text in a normal form, with runs of combining marks cut at LONGEST_RUN.

    Raises InputFault `text_too_long` if the text has more than `limit` characters.
    """
    _check_length(text, limit)
    return _normalize(text, form)


def caseless(text: str, limit: int) -> str:
    """Return the text in NFKC and case-folded, so that texts which differ only in case or
    compatibility characters become equal.

    Raises InputFault `text_too_long` if the text has more than `limit` characters.
    """
    _check_length(text, limit)
    if text.isascii():
        return text.lower()
    # Case folding may decompose characters, and composing may yield characters that still fold.
    return _normalize(_normalize(text, "NFKC").casefold(), "NFKC")


def visible(text: str) -> str:
    """Return the text without invisible characters: soft hyphens, joiners, directional marks."""
    return text if text.isascii() else INVISIBLE.sub("", text)


def _check_length(text: str, limit: int) -> None:
    if len(text) > limit:
        detail = f"The text has {len(text):,} characters; at most {limit:,} are accepted."
        raise InputFault(detail, code="text_too_long")


def _normalize(text: str, form: Form) -> str:
    if text.isascii():
        return text
    # Some characters decompose into several marks, so the result is cut too.
    return _with_short_runs(unicodedata.normalize(form, _with_short_runs(text)))


def _with_short_runs(text: str) -> str:
    kept, run = [], 0
    for character in text:
        is_mark = unicodedata.combining(character) or character in HIDDEN_MARKS
        run = run + 1 if is_mark else 0
        if run <= LONGEST_RUN:
            kept.append(character)
    return "".join(kept) if len(kept) < len(text) else text
