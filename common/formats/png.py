"""PNG and APNG: size, frames, orientation and end found by walking the chunks (W3C PNG, edition 3).

Checksums are left to the decoder: it reads every byte anyway.
"""

import binascii
import re
import struct
import zlib

from common.formats import exif
from common.formats.header import Header, malformed, most_chunks, truncated

_NAME = "PNG"
_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_HEAD = struct.Struct(">I4s")

# Ancillary chunks that change what the pixels look like, or belong to the animation. Critical ones
# are kept whatever they are; every other (EXIF, texts, XMP, times, makers' own) is metadata.
_KEPT = frozenset(
    b"tRNS gAMA cHRM sRGB iCCP cICP mDCV cLLI sBIT bKGD pHYs hIST sPLT acTL fcTL fdAT".split()
)
_TEXTS = frozenset((b"tEXt", b"zTXt", b"iTXt"))
_XMP = b"XML:com.adobe.xmp"
_RAW_EXIF = b"Raw profile type exif"  # ImageMagick's way, from before PNG had eXIf: hexadecimal
_KEYWORDS = re.compile(b"(?:%b|%b)\0" % (_XMP, _RAW_EXIF))
_MOST_TEXT = 1 << 20  # bytes a compressed text is inflated to, the same as Pillow's

Chunk = tuple[bytes, int, int]


def recognises(data: bytes) -> bool:
    """Whether the first bytes are a PNG's, be it one damaged by a transfer as text."""
    return data.startswith(_SIGNATURE[:4])


def read(data: bytes) -> Header:
    """The header. `complete` means: every chunk whole, up to and with IEND."""
    return _describe(data, _chunks(data))


def strip(data: bytes) -> bytes:
    """The picture without EXIF (less its orientation), texts, XMP, times, the unknown, trailer."""
    chunks = _chunks(data)
    header = _describe(data, chunks)
    if not header.complete:
        raise truncated(_NAME)
    view = memoryview(data)
    parts: list[bytes | memoryview] = [_SIGNATURE]
    parts += [view[start:end] for kind, start, end in chunks if _is_kept(kind)]
    if header.orientation != 1:
        parts.insert(2, _chunk(b"eXIf", exif.minimal(header.orientation)))  # behind IHDR
    return b"".join(parts)


def _chunks(data: bytes) -> list[Chunk]:
    """Every chunk as (type, start, end), IEND last unless the file is cut short."""
    chunks: list[Chunk] = []
    start, kind = len(_SIGNATURE), b""
    for _ in range(most_chunks(data)):
        if kind == b"IEND" or start + 12 > len(data):
            return chunks
        length, kind = _HEAD.unpack_from(data, start)
        if not kind.isalpha():
            raise malformed(_NAME, f"there is no chunk where one should be, at byte {start:,}")
        end = start + 12 + length
        if end > len(data):
            return chunks
        chunks.append((kind, start, end))
        start = end
    raise malformed(_NAME, "it is cut into an absurd number of chunks")


def _describe(data: bytes, chunks: list[Chunk]) -> Header:
    if not data.startswith(_SIGNATURE):
        raise malformed(_NAME, "its signature is damaged, as by a transfer in text mode")
    if len(data) < 24:
        raise truncated(_NAME)
    length, kind, width, height = struct.unpack_from(">I4sII", data, len(_SIGNATURE))
    if kind != b"IHDR" or length != 13:
        raise malformed(_NAME, "it does not begin with its header")
    complete = bool(chunks) and chunks[-1][0] == b"IEND"
    if complete and not any(kind == b"IDAT" for kind, _, _ in chunks):
        raise malformed(_NAME, "it ends before any picture data")
    frames, orientation = _frames(data, chunks), _orientation(data, chunks)
    return Header("image/png", width, height, frames, orientation, complete)


def _frames(data: bytes, chunks: list[Chunk]) -> int:
    """As the animation's header says, and one more for a default picture that is no part of it."""
    frames, default = 0, 1
    for kind, start, end in chunks:
        if kind == b"IDAT":
            break
        if kind == b"acTL" and end - start >= 20:
            frames = int.from_bytes(data[start + 8 : start + 12], "big")
        elif kind == b"fcTL":
            default = 0
    return frames + default if frames else 1


def _orientation(data: bytes, chunks: list[Chunk]) -> int:
    """From eXIf or ImageMagick's text, else from XMP; the last of a kind counts, as in Pillow."""
    tiff, texts = b"", {}
    for kind, start, end in chunks:
        if kind == b"eXIf":
            tiff = data[start + 8 : end - 4]
        elif kind in _TEXTS and (found := _KEYWORDS.match(data, start + 8, end - 4)):
            texts[found[0][:-1]] = (kind, data[found.end() : end - 4])
    if not tiff and _RAW_EXIF in texts:
        tiff = _raw_profile(_text(*texts[_RAW_EXIF]))
    return exif.orientation(tiff, _text(*texts[_XMP]) if _XMP in texts else b"")


def _text(kind: bytes, value: bytes) -> bytes:
    """What stands after the keyword of a text chunk, inflated; nothing where it is broken."""
    if kind == b"tEXt":
        return value
    compressed, value = kind == b"zTXt" or value[:1] != b"\0", value[1:]  # a zTXt has a method only
    if kind == b"iTXt":
        *_, value = value[1:].split(b"\0", 2)  # method; language, translated keyword, text
    if not compressed:
        return value
    try:
        return zlib.decompressobj().decompress(value, _MOST_TEXT)
    except zlib.error:
        return b""


def _raw_profile(text: bytes) -> bytes:
    """The bytes of ImageMagick's profile: a blank line, a name, a length, hexadecimal lines."""
    try:
        return binascii.unhexlify(b"".join(text.split(b"\n")[3:]))
    except binascii.Error:
        return b""


def _is_kept(kind: bytes) -> bool:
    return kind in _KEPT or kind[:1].isupper()


def _chunk(kind: bytes, payload: bytes) -> bytes:
    checked = kind + payload
    return struct.pack(">I", len(payload)) + checked + struct.pack(">I", zlib.crc32(checked))
