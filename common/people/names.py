"""When two names are the same: whoever reads one must not take it for the other."""

import unicodedata

from common.errors import InputFault

LONGEST_NAME = 40  # characters
LONGEST_KEY = 160  # what a column holds; NFKC makes some characters many
LONGEST_EMAIL = 254  # RFC 5321
RESERVED = {"me"}  # words that mean something else in a path
PUNCTUATION = " ._-"


def name_key(name: str) -> str:
    """What a name comes down to: NFKC, casefolded, without white space. Equal keys, one name."""
    return "".join(_folded(name).split())


def email_key(email: str) -> str:
    """What an e-mail address comes down to."""
    return _folded(email).strip()


def check_name(name: str) -> str:
    """The name as it is shown; raises InputFault that says what is wrong with it.

    Letters and digits of any script; nothing invisible, nothing that means something in a path.
    """
    shown = " ".join(unicodedata.normalize("NFC", name).split(" ")).strip(" ")
    key = name_key(shown)
    if not 0 < len(shown) <= LONGEST_NAME or len(key) > LONGEST_KEY:
        raise _wrong(f"A name has 1 to {LONGEST_NAME} characters.")
    if not all(map(_is_allowed, shown)) or not any(map(str.isalnum, key)):
        raise _wrong("A name is made of letters, digits, spaces and . _ -")
    if key in RESERVED:
        raise _wrong(f"{shown} is a word of the service's own.")
    return shown


def _folded(text: str) -> str:
    text = text[:LONGEST_EMAIL]  # normalising takes time in proportion to the length
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())


def _is_allowed(character: str) -> bool:
    return character in PUNCTUATION or unicodedata.category(character)[0] in "LMN"


def _wrong(detail: str) -> InputFault:
    return InputFault(detail, code="name_invalid", errors={"name": [detail]})
