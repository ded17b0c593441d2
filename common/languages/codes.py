"""The languages of the word lists, by the code that requests use (BCP 47, mostly two letters)."""

from dataclasses import dataclass

ENGLISH = "en"


@dataclass(frozen=True, slots=True)
class Language:
    """A language; `stemmer` is the name of its Snowball algorithm, empty without one.

    `compounds`: a noun may be written together with the one it ends with (Hauskatze).
    `stop_words` is the code of its stop words, if it differs. `script` is the first word of its
    letters' names in Unicode.
    """

    code: str
    name: str
    stemmer: str = ""
    compounds: bool = False
    stop_words: str = ""
    script: str = "LATIN"


LANGUAGES = {
    each.code: each
    for each in (
        Language("ar", "Arabic", "arabic", script="ARABIC"),
        Language("cs", "Czech", "czech"),
        Language("da", "Danish", "danish", compounds=True),
        Language("de", "German", "german", compounds=True),
        Language("el", "Greek", "greek", script="GREEK"),
        Language("en", "English", "english"),
        Language("es", "Spanish", "spanish"),
        Language("fi", "Finnish", "finnish", compounds=True),
        Language("fr", "French", "french"),
        Language("hi", "Hindi", "hindi", script="DEVANAGARI"),
        Language("hu", "Hungarian", "hungarian", compounds=True),
        Language("it", "Italian", "italian"),
        Language("ja", "Japanese", script="CJK"),
        Language("ko", "Korean", script="HANGUL"),
        Language("nb", "Norwegian", "norwegian", compounds=True, stop_words="no"),
        Language("nl", "Dutch", "dutch", compounds=True),
        Language("pl", "Polish", "polish"),
        Language("pt", "Portuguese", "portuguese"),
        Language("ru", "Russian", "russian", script="CYRILLIC"),
        Language("sv", "Swedish", "swedish", compounds=True),
        Language("tr", "Turkish", "turkish"),
        Language("uk", "Ukrainian", script="CYRILLIC"),
        Language("vi", "Vietnamese"),
        Language("zh", "Chinese", script="CJK"),
    )
}
_OTHER_CODES = {"no": "nb", "nn": "nb", "cmn": "zh", "arb": "ar"}


def code_of(tag: str) -> str:
    """Return the code of a language tag: `de` for `de-AT`, `nb` for `no`; other tags unchanged."""
    primary = tag.strip().replace("_", "-").partition("-")[0].lower()
    return _OTHER_CODES.get(primary, primary)


def name_of(code: str) -> str:
    """Return the English name of the language, or the code if it is unknown."""
    return LANGUAGES[code].name if code in LANGUAGES else code
