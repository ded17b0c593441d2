"""PNG and APNG: size, frames, orientation and end found by walking the chunks (W3C PNG, edition 3).

Checksums of the pixels are left to the decoder: it reads every byte anyway.
"""

import struct
import zlib

from common.images.formats import exif
from common.images.formats.header import Header, malformed, most_chunks, truncated

_NAME = "PNG"
SIGNATURE = b"\x89PNG\r\n\x1a\n"
_HEAD = struct.Struct(">I4s")

# Ancillary chunks that change what the pixels look like, or belong to the animation. Critical ones
# are kept whatever they are; every other (EXIF, texts, XMP, times, makers' own) is metadata.
_KEPT = frozenset(
    b"tRNS gAMA cHRM sRGB iCCP cICP mDCV cLLI sBIT bKGD pHYs hIST sPLT acTL fcTL fdAT".split()
)
Chunk = tuple[bytes, int, int]


def recognises(data: bytes) -> bool:
    """Whether the file begins as a PNG does, including one damaged by a transfer in text mode."""
    return data.startswith(SIGNATURE[:4])


def read(data: bytes) -> Header:
    """Return the header; it is `complete` if all chunks up to and including IEND are whole."""
    return _describe(data, chunks(data))


def strip(data: bytes) -> bytes:
    """Return the file without EXIF except the orientation, texts, XMP, times, unknown chunks and
    bytes after its end.
    """
    walked = chunks(data)
    header = _describe(data, walked)
    header.require_complete(_NAME)
    view = memoryview(data)
    parts: list[bytes | memoryview] = [SIGNATURE]
    parts += [view[start:end] for kind, start, end in walked if _is_kept(kind)]
    if header.orientation != 1:
        parts.insert(2, _chunk(b"eXIf", exif.minimal(header.orientation)))  # behind IHDR
    return b"".join(parts)


def chunks(data: bytes) -> list[Chunk]:
    """Return each chunk as (type, start, end); the last is IEND unless the file is truncated."""
    walked: list[Chunk] = []
    start, kind = len(SIGNATURE), b""
    for _ in range(most_chunks(data)):
        if kind == b"IEND" or start + 12 > len(data):
            return walked
        length, kind = _HEAD.unpack_from(data, start)
        if not kind.isalpha():
            raise malformed(_NAME, f"there is no chunk where one should be, at byte {start:,}")
        end = start + 12 + length
        if end > len(data):
            return walked
        walked.append((kind, start, end))
        start = end
    raise malformed(_NAME, "it has too many chunks")


def _describe(data: bytes, chunks: list[Chunk]) -> Header:
    if not data.startswith(SIGNATURE):
        raise malformed(_NAME, "its signature is damaged, as by a transfer in text mode")
    if len(data) < 24:
        raise truncated(_NAME)
    length, kind, width, height = struct.unpack_from(">I4sII", data, len(SIGNATURE))
    if kind != b"IHDR" or length != 13:
        raise malformed(_NAME, "it does not begin with its header")
    complete = bool(chunks) and chunks[-1][0] == b"IEND"
    if complete and not any(kind == b"IDAT" for kind, _, _ in chunks):
        raise malformed(_NAME, "it ends before any picture data")
    frames, orientation = _frames(data, chunks), _orientation(data, chunks)
    return Header("image/png", width, height, frames, orientation, complete)


def _frames(data: bytes, chunks: list[Chunk]) -> int:
    """Return the animation's number of frames, plus one for a default image outside it."""
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
    """From the first eXIf chunk, if it comes before the pixels and is whole, as in browsers."""
    for kind, start, end in chunks:
        if kind == b"IDAT":
            break
        if kind == b"eXIf":
            return exif.orientation(data[start + 8 : end - 4]) if is_intact(data, start, end) else 1
    return 1


def is_intact(data: bytes, start: int, end: int) -> bool:
    """Whether the checksum of the chunk from `start` to `end` is right."""
    checksum = zlib.crc32(memoryview(data)[start + 4 : end - 4])
    return checksum == int.from_bytes(data[end - 4 : end], "big")


def _is_kept(kind: bytes) -> bool:
    return kind in _KEPT or kind[:1].isupper()


def _chunk(kind: bytes, payload: bytes) -> bytes:
    checked = kind + payload
    return struct.pack(">I", len(payload)) + checked + struct.pack(">I", zlib.crc32(checked))
