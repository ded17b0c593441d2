"""Decode texts of forms and query strings in the character encodings that clients declare.

Encoding names are looked up in a table of their own: Python's look-up also knows codecs that do not
decode text, and caches every name that it is given.
"""

import base64
import binascii
import quopri
import re
from collections.abc import Iterator
from urllib.parse import unquote_to_bytes

from flask import Request

from common.errors import InputFault

# Labels of the WHATWG Encoding Standard, in which ISO-8859-1 is windows-1252, and their codecs.
CODECS = {
    "utf-8": "utf-8", "utf8": "utf-8", "us-ascii": "cp1252", "ascii": "cp1252",
    "iso-8859-1": "cp1252", "latin1": "cp1252", "windows-1252": "cp1252", "cp1252": "cp1252",
    "iso-8859-2": "iso8859-2", "iso-8859-5": "iso8859-5", "iso-8859-7": "iso8859-7",
    "iso-8859-9": "cp1254", "iso-8859-15": "iso8859-15",
    **{f"windows-{number}": f"cp{number}" for number in (1250, 1251, 1253, 1254, 1255, 1256)},
    "windows-1257": "cp1257", "windows-1258": "cp1258", "koi8-r": "koi8-r", "koi8-u": "koi8-u",
    "shift_jis": "cp932", "shift-jis": "cp932", "sjis": "cp932", "windows-31j": "cp932",
    "euc-jp": "euc-jp", "iso-2022-jp": "iso2022-jp", "gbk": "gb18030", "gb2312": "gb18030",
    "gb18030": "gb18030", "big5": "big5hkscs", "euc-kr": "cp949",
}  # fmt: skip

FILE_NAME = b"name"  # undecodable bytes in it are replaced
TASKS = b"tasks"  # the field TaskNames refuses it, with a list of the known tasks
_ENCODED_WORD = re.compile(r"=\?([^?\s]{1,40})\?([bBqQ])\?([^?\s]*)\?=")


def decoded_text(data: bytes, charset: str | None, field: str) -> str:
    """Return the text of a field, which is in UTF-8 unless it declares another charset.

    Raises InputFault `text_encoding` if the charset is unknown or the bytes are invalid in it.
    """
    try:
        return data.decode(CODECS[(charset or "utf-8").lower()])
    except (KeyError, UnicodeDecodeError) as error:
        detail = f"The text of `{field[:40]}` is not in {_printable(charset)}; send UTF-8."
        raise InputFault(
            detail, code="text_encoding", errors={field: ["not in the declared encoding"]}
        ) from error


def decoded_name(name: str, charset: str | None) -> str:
    """Return a file name as text; its undecodable bytes are surrogate escapes in `name`.

    They are decoded in the form's charset, UTF-8 by default. Encoded words of RFC 2047 are decoded
    too. Bytes that remain undecodable become U+FFFD.
    """
    raw = name.encode("utf-8", "surrogateescape")
    codec = CODECS.get((charset or "").lower(), "utf-8")
    if any("\ud800" <= each <= "\udfff" for each in name):
        return raw.decode(codec, "replace")
    words = _ENCODED_WORD.findall(name)
    if words and not _ENCODED_WORD.sub("", name).strip():
        return "".join(_from_word(*word) for word in words)
    return name


def check_query(request: Request) -> None:
    """Raise InputFault for a query parameter that is not UTF-8.

    It would be stored, or searched for, as another text. `name` and `tasks` are handled elsewhere.
    """
    raw = request.query_string
    if b"%" not in raw and raw.isascii():
        return
    for name, value in _parameters(raw):
        try:
            value.decode()
            name.decode()
        except UnicodeDecodeError as error:
            if name not in (FILE_NAME, TASKS):
                text = name.decode("utf-8", "replace")
                detail = f"The query parameter `{text[:40]}` is not percent-encoded UTF-8."
                errors = {text: ["not percent-encoded UTF-8"]}
                raise InputFault(detail, errors=errors) from error


def query_file_name(request: Request) -> str | None:
    """Return the query parameter `name` or None; bytes that are not UTF-8 become U+FFFD."""
    values = (value for name, value in _parameters(request.query_string) if name == FILE_NAME)
    value = next(values, None)
    return None if value is None else value.decode("utf-8", "replace")


def _parameters(raw: bytes) -> Iterator[tuple[bytes, bytes]]:
    for each in raw.replace(b"+", b" ").split(b"&"):
        name, _, value = each.partition(b"=")
        yield unquote_to_bytes(name), unquote_to_bytes(value)


def _from_word(charset: str, encoding: str, text: str) -> str:
    raw = text.encode()
    try:
        is_base64 = encoding in "bB"
        data = base64.b64decode(raw) if is_base64 else quopri.decodestring(raw, header=True)
    except binascii.Error:
        data = raw
    return data.decode(CODECS.get(charset.lower(), "utf-8"), "replace")


def _printable(charset: str | None) -> str:
    return ascii(charset or "UTF-8")[1:-1][:40]
