"""Unicode normalisation of texts that callers send, in time proportional to their length.

`unicodedata.normalize` sorts each run of combining marks by insertion with the GIL held: a run of
40,000 marks takes seconds. So the length is checked and the runs are cut first. Nothing else in the
project calls it.
"""

import re
import unicodedata
from typing import Literal

from common.errors import InputFault

Form = Literal["NFC", "NFD", "NFKC", "NFKD"]

MOST_MARKS = 30  # combining marks in a row: UAX #15, Stream-Safe Text Format

# Of combining class 0, and yet they decompose into combining marks alone.
HIDDEN_MARKS = frozenset("\u0f73\u0f75\u0f81\uff9e\uff9f")

# Unicode's property Default_Ignorable_Code_Point: characters that are not shown.
INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e"
    "\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3"
    "\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)


def nfc(text: str, limit: int) -> str:
    """Return the text in NFC; raises InputFault `text_too_long` over `limit` characters."""
    return normalized(text, limit, "NFC")


def normalized(text: str, limit: int, form: Form) -> str:
    """Return the text in a normal form, with runs of combining marks cut at MOST_MARKS.

    Raises InputFault `text_too_long` when the text has more than `limit` characters.
    """
    _check_length(text, limit)
    return _normalize(text, form)


def caseless(text: str, limit: int) -> str:
    """Return what two texts that differ only in case or compatibility characters have in common.

    Raises InputFault `text_too_long` when the text has more than `limit` characters.
    """
    _check_length(text, limit)
    if text.isascii():
        return text.lower()
    # Case folding can undo the composition, and composing can leave something to fold.
    return _normalize(_normalize(text, "NFKC").casefold(), "NFKC")


def visible(text: str) -> str:
    """Return the text without invisible characters: soft hyphens, joiners, marks of direction."""
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
        if run <= MOST_MARKS:
            kept.append(character)
    return "".join(kept) if len(kept) < len(text) else text
