"""WebP: size, frames, orientation and end found by walking the RIFF chunks (RFC 9649)."""

import struct

from common.images.formats import exif
from common.images.formats.header import Header, malformed, most_chunks, truncated

_NAME = "WebP"
_HEAD = struct.Struct("<4sI")
_HAS_XMP, _HAS_EXIF = 0x04, 0x08
_PICTURES = frozenset((b"VP8 ", b"VP8L", b"ANMF"))
# All the chunks that RFC 9649 knows, less EXIF and XMP; unknown ones are no part of the picture.
_KEPT = _PICTURES | {b"VP8X", b"ALPH", b"ANIM", b"ICCP"}

Chunk = tuple[bytes, int, int]


def recognises(data: bytes) -> bool:
    """Whether the file begins as a WebP does."""
    return data.startswith(b"RIFF") and data[8:12] == b"WEBP"


def read(data: bytes) -> Header:
    """Return the header; it is `complete` if all bytes that the RIFF header announces exist."""
    return _describe(data, chunks(data))


def strip(data: bytes) -> bytes:
    """Return the file without EXIF except the orientation, XMP, unknown chunks and bytes after its
    end.
    """
    walked = chunks(data)
    header = _describe(data, walked)
    header.require_complete(_NAME)
    view = memoryview(data)
    parts = [view[start:end] for kind, start, end in walked if kind in _KEPT]
    tiff = exif.minimal(header.orientation) if header.orientation != 1 else b""
    if walked[0][0] == b"VP8X":
        first = bytearray(parts[0])
        first[8] = first[8] & ~(_HAS_EXIF | _HAS_XMP) | (_HAS_EXIF if tiff else 0)
        parts[0] = memoryview(first)
    if tiff:
        parts.append(memoryview(_HEAD.pack(b"EXIF", len(tiff)) + tiff))
    length = 4 + sum(map(len, parts))
    return b"".join((_HEAD.pack(b"RIFF", length), b"WEBP", *parts))


def chunks(data: bytes) -> list[Chunk]:
    """Every whole chunk as (type, start, end), the padding byte of an odd one included."""
    walked: list[Chunk] = []
    riff_end = _riff_end(data)
    start, limit = 12, min(riff_end, len(data))
    for _ in range(most_chunks(data)):
        if start + 8 > limit:
            return walked
        kind, length = _HEAD.unpack_from(data, start)
        end = start + 8 + length + (length & 1)
        if end > riff_end:
            raise malformed(_NAME, f"the chunk at byte {start:,} reaches beyond the file's end")
        if end > limit:
            return walked
        walked.append((kind, start, end))
        start = end
    raise malformed(_NAME, "it has too many chunks")


def _riff_end(data: bytes) -> int:
    return 8 + int.from_bytes(data[4:8], "little")


def _describe(data: bytes, chunks: list[Chunk]) -> Header:
    width, height = _size(data)
    complete = _riff_end(data) <= len(data)
    if complete and not any(kind in _PICTURES for kind, _, _ in chunks):
        raise malformed(_NAME, "it ends before any picture data")
    frames = sum(kind == b"ANMF" for kind, _, _ in chunks)
    flags = data[20] if data.startswith(b"VP8X", 12) else 0
    orientation = _orientation(data, chunks, flags)
    return Header("image/webp", width, height, max(1, frames), orientation, complete)


def _size(data: bytes) -> tuple[int, int]:
    """(width, height) of the canvas, from the first chunk, which need not be whole."""
    kind, first = data[12:16], data[20:30]
    needed = 5 if kind == b"VP8L" else 10
    if int.from_bytes(data[16:20], "little") < needed:
        raise malformed(_NAME, "its first chunk is too short")
    if len(first) < needed:
        raise truncated(_NAME)
    if kind == b"VP8X":
        width, height = (int.from_bytes(first[i : i + 3], "little") + 1 for i in (4, 7))
        return width, height
    if kind == b"VP8L" and first.startswith(b"\x2f"):
        bits = int.from_bytes(first[1:5], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if kind == b"VP8 " and first[3:6] == b"\x9d\x01\x2a":
        return first[6] | (first[7] & 0x3F) << 8, first[8] | (first[9] & 0x3F) << 8
    raise malformed(_NAME, "it does not begin with a picture")


def _orientation(data: bytes, chunks: list[Chunk], flags: int) -> int:
    """From the first EXIF chunk; as in libwebp, only when the header announces one."""
    if not flags & _HAS_EXIF:
        return 1
    return exif.orientation(first_chunk(data, chunks, b"EXIF").removeprefix(exif.IDENTIFIER))


def first_chunk(data: bytes, chunks: list[Chunk], wanted: bytes) -> bytes:
    """The payload of the first chunk of a type (with its padding byte), empty without one."""
    return next((data[start + 8 : end] for kind, start, end in chunks if kind == wanted), b"")
