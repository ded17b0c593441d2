"""Names of formats that are not accepted, so that the error can name the format that was sent."""

import re

_SIGNATURES = (
    ((b"II+\0", b"MM\0+"), "a BigTIFF"),
    ((b"8BPS",), "a Photoshop document (PSD)"),
    ((b"\0\0\1\0", b"\0\0\2\0"), "an icon (ICO)"),
    ((b"\0\0\0\x0cjP  ", b"\xffO\xffQ"), "a JPEG 2000"),
    ((b"\0\0\0\x0cJXL ", b"\xff\n"), "a JPEG XL"),
    ((b"%PDF-",), "a PDF"),
    ((b"PK\3\4", b"PK\5\6"), "a ZIP archive"),
    ((b"\x1f\x8b",), "a gzip archive"),
    ((b"\x1aE\xdf\xa3",), "a Matroska or WebM video"),
    ((b"RIFF",), "a RIFF file that is no WebP"),
)
_RAW_BRAND = b"crx "  # of an ISO base media file
_MARKUP = (
    (re.compile(rb"<(?:!doctype\s+html|html|head|body)\b", re.IGNORECASE), "an HTML page"),
    (re.compile(rb"<svg[\s>:]", re.IGNORECASE), "an SVG"),
    (re.compile(rb"^<\?xml\s", re.IGNORECASE), "an XML document"),
)
_BYTE_ORDER_MARKS = (b"\xff\xfe", b"\xfe\xff")
_NOT_TEXT = re.compile(r"[\0-\x08\x0e-\x1a\x1c-\x1f\x7f]")


def name(data: bytes) -> str:
    """Return a name for the format of the bytes, with its article; empty if it is unknown."""
    if data[4:8] == b"ftyp":
        return _iso_media(data)
    for prefixes, what in _SIGNATURES:
        if data.startswith(prefixes):
            return what
    return _text(data[:4096])


def _iso_media(data: bytes) -> str:
    return "a camera's raw file" if data[8:12] == _RAW_BRAND else "an MP4 or QuickTime video"


def _text(head: bytes) -> str:
    if head.startswith(_BYTE_ORDER_MARKS):
        return "a text"
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if text.startswith(b"<"):
        for pattern, what in _MARKUP:
            if pattern.search(text):
                return what
    # "ignore" forgives a character that is cut where the head ends, but anything else too: so
    # nearly everything has to be left.
    readable = head.decode("utf-8", "ignore")
    lost = len(head) - len(readable.encode())
    if not readable or lost > 3 or _NOT_TEXT.search(readable):
        return ""
    return "a text"
