"""Validation of images, base64, texts and file names of requests. Pixels are never decoded."""

import binascii
import re
from dataclasses import dataclass

from common.errors import InputFault, TooLarge
from common.images.formats import EXTENSIONS, Header, read_header
from common.images.formats.header import too_many_pixels, truncated
from common.unicode import nfc

_FROM_URL_SAFE = bytes.maketrans(b"-_", b"+/")
_INDENTATION = re.compile(rb"\n[ \t]*")
_FORBIDDEN = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_FORBIDDEN_IN_LINES = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
# Includes directional overrides, which can display "gpj.exe" as "exe.jpg".
_UNSHOWN_IN_NAMES = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
_SURROGATE = re.compile("[\ud800-\udfff]")
_LONGEST_NAME = 255
_LONGEST_EXTENSION = 16


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of an image: bytes, pixels (width x height), pixels of a side, frames."""

    max_bytes: int
    max_pixels: int
    min_side: int = 16
    max_side: int = 12_000
    max_frames: int = 200


def check(data: bytes, limits: Limits) -> Header:
    """Return the header of an image of an accepted format, within `limits`, and complete.

    Raises TooLarge `image_too_large`; UnsupportedMedia `image_format_not_allowed`; InputFault
    `image_empty`, `image_malformed`, `image_too_many_pixels`, `image_dimensions`,
    `image_too_many_frames` and, last of all, `image_truncated`.
    """
    if len(data) > limits.max_bytes:
        raise TooLarge(
            f"The image has {len(data):,} bytes; at most {limits.max_bytes:,} are allowed.",
            code="image_too_large",
        )
    header = read_header(data)
    _check_size(header, limits)
    if header.frames > limits.max_frames:
        raise InputFault(
            f"The image has {header.frames:,} frames; at most {limits.max_frames:,} are allowed.",
            code="image_too_many_frames",
        )
    if not header.complete:
        raise truncated("image")
    return header


def _check_size(header: Header, limits: Limits) -> None:
    width, height = header.width, header.height
    if header.pixels > limits.max_pixels:
        raise too_many_pixels(header, limits.max_pixels)
    if min(width, height) < limits.min_side or max(width, height) > limits.max_side:
        raise InputFault(
            f"The image has {width:,} x {height:,} pixels; "
            f"each side may have {limits.min_side:,} to {limits.max_side:,}.",
            code="image_dimensions",
        )


def decode_base64(text: str) -> bytes:
    """Return the bytes of a base64 text, bare or as a `data:...;base64,` URL.

    The alphabet is the standard or the URL-safe one (RFC 4648, sections 4 and 5), not a mixture;
    padding is required. The text may be wrapped into lines, which may be indented. Raises
    InputFault `image_empty` or `image_base64_invalid`.
    """
    try:
        encoded = _without_prefix(text).encode("ascii")
        try:
            data = _strictly(encoded)
        except ValueError:
            data = _strictly(_plain_alphabet(_unwrapped(encoded)))
    except ValueError as error:  # binascii.Error and UnicodeEncodeError are ValueErrors
        detail = (
            "The image is not valid base64: send the standard or URL-safe alphabet with padding, "
            "and no spaces (a `+` that was not percent-encoded in a form becomes a space)."
        )
        raise InputFault(detail, code="image_base64_invalid") from error
    if not data:
        raise InputFault("The image is empty.", code="image_empty")
    return data


def _strictly(encoded: bytes) -> bytes:
    # Python's strict mode accepts padding after a complete group of four.
    if len(encoded) % 4 or encoded.endswith(b"==="):
        raise ValueError("wrong padding")
    return binascii.a2b_base64(encoded, strict_mode=True)


def _without_prefix(text: str) -> str:
    text = text.lstrip()
    if text[:5].lower() != "data:":
        return text
    head, _, payload = text.partition(",")
    if not head.lower().endswith(";base64"):
        raise ValueError("a data URL that is not base64")
    return payload


def _unwrapped(encoded: bytes) -> bytes:
    """Return the lines joined, without their common indentation.

    A space anywhere else was a `+` that a form decoder replaced; if it were removed, the text would
    decode to other bytes.
    """
    joined = encoded.strip(b" \t\r\n").replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    line_end = _INDENTATION.search(joined)
    if line_end and line_end[0] != b"\n":
        joined = joined.replace(line_end[0], b"")
        if b"\n" in joined:
            raise ValueError("lines of different indentation")
    if b" " in joined or b"\t" in joined:
        raise ValueError("spaces within the text")
    return joined.translate(None, b"\n")


def _plain_alphabet(encoded: bytes) -> bytes:
    """Return the text translated to the standard alphabet."""
    if b"-" not in encoded and b"_" not in encoded:
        return encoded
    if b"+" in encoded or b"/" in encoded:
        raise ValueError("two alphabets at once")
    return encoded.translate(_FROM_URL_SAFE)


def check_text(value: str, what: str, *, lines: bool = False) -> str:
    """Return `value` unchanged if it has no control characters (such as NUL) or lone surrogates.

    With `lines`, tabs and line ends are allowed. Raises InputFault `text_invalid`, naming `what`.
    """
    forbidden = (_FORBIDDEN_IN_LINES if lines else _FORBIDDEN).search(value)
    if forbidden is None:
        return value
    raise InputFault(
        f"{what} must not contain control characters or lone surrogates; it has "
        f"U+{ord(forbidden[0]):04X} at position {forbidden.start():,}.",
        code="text_invalid",
    )


def clean_file_name(name: str | None, media_type: str = "") -> str:
    """Return a file's name for display: the part after the last slash or backslash, in NFC, cut to
    255 characters before the extension. It is never used as a path.

    Control characters and directional overrides are removed, lone surrogates replaced by U+FFFD, so
    that no image is rejected for its name. A name that becomes empty is replaced by "image" with
    the media type's extension.
    """
    base = re.split(r"[/\\]", name or "")[-1]
    base = _SURROGATE.sub("\ufffd", _UNSHOWN_IN_NAMES.sub("", base)).strip()
    # Also cut before `nfc`, which accepts only texts of a limited length.
    limit = 4 * _LONGEST_NAME
    clean = _cut(nfc(_cut(base, limit), limit), _LONGEST_NAME).strip()
    if not clean.strip("."):
        return "image" + EXTENSIONS.get(media_type, "")
    return clean


def _cut(name: str, length: int) -> str:
    if len(name) <= length:
        return name
    stem, dot, extension = name.rpartition(".")
    if not stem or len(extension) > _LONGEST_EXTENSION:
        return name[:length]
    return stem[: length - len(extension) - 1] + dot + extension
