"""Parse a multipart/form-data body (RFC 7578) that is in memory.

Werkzeug's parser refuses a whole body if one file name is not UTF-8, and replaces undecodable bytes
of texts. This parser replaces bytes in file names only, and refuses undecodable texts. Searching
the body as a whole for the boundary is also faster than Werkzeug's decoder, which works in chunks.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from werkzeug.http import parse_options_header

from api.http.body.charsets import decoded_name, decoded_text
from common.errors import InputFault, Malformed, TooLarge

MAX_PARTS = 100
MAX_MISSES = 1_000  # occurrences of the boundary that do not delimit a part
MAX_HEADERS = 128 * 1024  # bytes, of all parts together
CHARSET_FIELD = "_charset_"  # holds the charset of the texts (RFC 7578, section 4.6)

_END_OF_HEADERS = re.compile(rb"\r?\n\r?\n")
_FOLDED_LINE = re.compile(rb"\r?\n[ \t]+")
_AFTER_BOUNDARY = re.compile(rb"(--)?[ \t]*(?:\r?\n|\Z)")
_LINE_END = re.compile(r"\r?\n")
_FILE_NAME = re.compile(r';\s*filename\s*=\s*"((?:[^"\\]|\\.)*)"', re.IGNORECASE | re.DOTALL)
_ESCAPED = re.compile(r'\\(["\\])')
# Matches what parse_options_header skips: an unclosed quote, and a name that is not ASCII.
_UNREADABLE_NAME = re.compile(r';\s*filename\*?\s*=\s*"?([^;]*)', re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a form: the field's name ("" without one), its data, and a file's name."""

    name: str
    data: bytes
    file_name: str | None = None
    charset: str | None = None


@dataclass(frozen=True, slots=True)
class Form:
    """The parts of a form, in the order of the body."""

    texts: list[Part]
    files: list[Part]
    charset: str | None = None

    def text(self, part: Part) -> str:
        """Return the part's text; raises InputFault if it is not in the declared charset."""
        return decoded_text(part.data, part.charset or self.charset, part.name)

    def file_name(self, part: Part) -> str:
        """Return the file's name; undecodable bytes become U+FFFD."""
        return decoded_name(part.file_name or "", self.charset)


def parse(raw: bytes, boundary: str) -> Form:
    """Return the parts of the body `raw`.

    Raises Malformed `multipart` for a broken or truncated body, and TooLarge for too many parts.
    """
    try:
        parts = [_part(head, data) for head, data in _split(raw, f"--{boundary}".encode())]
    except ValueError as error:
        raise Malformed(
            "The multipart body is broken or truncated. Check its boundary and Content-Length.",
            code="multipart",
        ) from error
    texts = [part for part in parts if part.file_name is None]
    charset = next((part for part in texts if part.name == CHARSET_FIELD), None)
    return Form(
        [part for part in texts if part is not charset],
        [part for part in parts if part.file_name is not None],
        charset.data.decode("ascii", "replace").strip() if charset else None,
    )


def refuse_nameless(form: Form) -> None:
    """Raise InputFault if a part has no name, since its field is then unknown."""
    if not all(part.name for part in (*form.texts, *form.files)):
        detail = 'A part of the form has no name: send Content-Disposition: form-data; name="…".'
        raise InputFault(detail, code="part_nameless", errors={"_schema": ["a part has no name"]})


def _split(raw: bytes, delimiter: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield the headers and the content of each part; raises ValueError for a broken body."""
    boundary = _Boundaries(raw, delimiter)
    _, start = boundary.after(0)
    headers = count = 0
    while start:
        head = _END_OF_HEADERS.search(raw, start, start + MAX_HEADERS)
        if head is None:
            raise ValueError("the headers of a part have no end")
        count += 1
        headers += head.end() - start
        if count > MAX_PARTS or headers > MAX_HEADERS:
            raise TooLarge(
                f"Send a form of at most {MAX_PARTS} parts, with headers of at most "
                f"{MAX_HEADERS:,} bytes together."
            )
        stop, after = boundary.after(head.end())
        yield raw[start : head.start()], raw[head.end() : stop]
        start = after


@dataclass(slots=True)
class _Boundaries:
    """The boundaries in a body, searched with bytes.find, faster than a pattern for each body."""

    raw: bytes
    delimiter: bytes
    misses: int = 0

    def after(self, start: int) -> tuple[int, int]:
        """Return the end of the content before the next boundary, and the start of the next part.

        The start is 0 at the last boundary. Raises ValueError if no boundary follows.
        """
        at = start - 1
        while (at := self.raw.find(self.delimiter, at + 1)) >= 0:
            tail = _AFTER_BOUNDARY.match(self.raw, at + len(self.delimiter))
            if tail and self.raw[max(0, at - 1) : at] in (b"", b"\n"):
                line_end = 2 if self.raw[max(0, at - 2) : at] == b"\r\n" else 1
                return max(start, at - line_end), 0 if tail[1] else tail.end()
            self.misses += 1
            if self.misses > MAX_MISSES:
                break
        raise ValueError("no boundary")


def _part(head: bytes, data: bytes) -> Part:
    headers = {}
    # Surrogate escapes keep the bytes of a name that is not UTF-8 until its charset is known.
    for line in _LINE_END.split(_FOLDED_LINE.sub(b" ", head).decode("utf-8", "surrogateescape")):
        name, _, value = line.partition(":")
        headers[name.strip().lower()] = value.strip()
    disposition = headers.get("content-disposition")
    if disposition is None:
        raise ValueError("a part without Content-Disposition")
    options = parse_options_header(disposition)[1]
    charset = parse_options_header(headers.get("content-type"))[1].get("charset")
    return Part(options.get("name") or "", data, _file_name(disposition, options), charset)


def _file_name(disposition: str, options: dict[str, str]) -> str | None:
    """Return the file name of a part, as far as it is readable, or None if it is not a file.

    A backslash escapes only a quote and itself, since old browsers send whole Windows paths.
    """
    extended = "filename*" in disposition.lower()
    if not extended and (match := _FILE_NAME.search(disposition)):
        return _ESCAPED.sub(r"\1", match[1]).replace("%22", '"')
    if "filename" in options:
        return options["filename"]
    unreadable = _UNREADABLE_NAME.search(disposition)
    return unreadable and unreadable[1].rstrip('"')
