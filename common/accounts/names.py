"""Names and e-mail addresses of accounts: their validation, and the keys that make them unique."""

import re
import unicodedata

from common.errors import InputFault
from common.unicode import INVISIBLE, caseless, nfc

LONGEST_NAME = 40  # characters
LONGEST_KEY = 160  # the column's length; NFKC turns some characters into many
LONGEST_EMAIL = 254  # RFC 5321
PUNCTUATION = " ._-"
WRONG_LENGTH = f"A name has 1 to {LONGEST_NAME} characters."
IN_PATHS = frozenset({"me"})  # words that have another meaning in a path
# Names that suggest an account of the service's operator, who alone may use them.
RESERVED = frozenset(
    [
        "abuse",
        "admin",
        "administrator",
        "afterimage",
        "anonymous",
        "help",
        "hostmaster",
        "moderator",
        "official",
        "operator",
        "postmaster",
        "security",
        "staff",
        "support",
        "sysadmin",
        "system",
        "webmaster",
    ]
)
# Scripts that are mixed in Japanese, Korean and Chinese, also with Latin letters.
EAST_ASIAN = frozenset(
    ["BOPOMOFO", "CJK", "HANGUL", "HIRAGANA", "IDEOGRAPHIC", "KATAKANA", "KATAKANA-HIRAGANA"]
)
_SEPARATORS = re.compile(r"[\s._-]+")


def name_key(name: str) -> str:
    """Return the key of a name, in NFKC, case-folded and without white space. Names with equal keys
    are the same. A name longer than any accepted one is cut.
    """
    return "".join(_folded(name).split())


def email_key(email: str) -> str:
    """Return the key of an e-mail address, in NFKC, case-folded and without surrounding spaces."""
    return _folded(email).strip()


def check_name(name: str, *, is_operator: bool = False) -> str:
    """Return the name in the form for display; raises InputFault `name_invalid`. The service's
    operator may use a reserved name.

    The letters of a name must be of one script: a Cyrillic "а" among Latin letters would make two
    names look the same (UTS 39, "single script").
    """
    if len(name) > 4 * LONGEST_NAME:  # before it is normalised
        raise _wrong(WRONG_LENGTH)
    shown = " ".join(nfc(name, 4 * LONGEST_NAME).split(" ")).strip(" ")
    key = name_key(shown)
    if not 0 < len(shown) <= LONGEST_NAME or len(key) > LONGEST_KEY:
        raise _wrong(WRONG_LENGTH)
    if not all(map(_is_allowed, shown)) or not any(map(str.isalnum, key)):
        raise _wrong("A name consists of letters, digits, spaces and . _ -")
    if not is_single_script(shown):
        raise _wrong("The letters of a name must be of one script, for example Latin or Cyrillic.")
    plain = _SEPARATORS.sub("", key)
    if key in IN_PATHS or (plain in RESERVED and not is_operator):
        raise _wrong(f"The name {shown} is reserved.")
    return shown


def check_email(email: str) -> str:
    """Return the e-mail address; raises InputFault `email_invalid` if it is too long or contains
    spaces, control or invisible characters.
    """
    if len(email) > LONGEST_EMAIL or len(email_key(email)) > LONGEST_EMAIL:
        raise _bad_email(f"An e-mail address has at most {LONGEST_EMAIL} characters.")
    if INVISIBLE.search(email) or any(unicodedata.category(each)[0] in "CZ" for each in email):
        raise _bad_email("An e-mail address has no spaces, control or invisible characters.")
    return email


def is_single_script(text: str) -> bool:
    """Whether the letters of the text are of one script. East Asian scripts count as one and may be
    combined with Latin letters.

    Python does not have Unicode's script property, but a letter's Unicode name begins with its
    script.
    """
    if text.isascii():
        return True
    scripts = {_script(each) for each in caseless(text, len(text)) if each.isalpha()}
    scripts.discard("MODIFIER")  # letters that several scripts share, as the ʻokina
    if scripts & EAST_ASIAN:
        scripts = scripts - EAST_ASIAN - {"LATIN"} | {"CJK"}
    return len(scripts) <= 1


def _script(letter: str) -> str:
    return unicodedata.name(letter, "").partition(" ")[0]


def _folded(text: str) -> str:
    return caseless(text[:LONGEST_EMAIL], LONGEST_EMAIL)


def _is_allowed(character: str) -> bool:
    is_word = unicodedata.category(character)[0] in "LMN" and not INVISIBLE.match(character)
    return is_word or character in PUNCTUATION


def _wrong(detail: str) -> InputFault:
    return InputFault(detail, code="name_invalid", errors={"name": [detail]})


def _bad_email(detail: str) -> InputFault:
    return InputFault(detail, code="email_invalid", errors={"email": [detail]})
