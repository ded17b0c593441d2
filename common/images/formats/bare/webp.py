"""WebP: the first frame's chunks, with a header that announces nothing else."""

import struct

from common.images.formats.bare.pixels import BarePixels
from common.images.formats.webp import Chunk, chunks, first_chunk

_HAS_ANIMATION, _HAS_ALPHA, _HAS_PROFILE = 0x02, 0x10, 0x20
_STILLS = (b"VP8 ", b"VP8L")
_FLAGS = 8  # offset in the first chunk


def bare(data: bytes) -> BarePixels:
    """The first frame; of an animation, what it leaves of the canvas is transparent."""
    walked = chunks(data)
    if not walked or walked[0][0] != b"VP8X":
        return BarePixels(_file(_firsts(data, walked, *_STILLS)[:1]))
    _, start, end = walked[0]
    first = bytearray(data[start:end])
    flags = first[_FLAGS]
    profile = first_chunk(data, walked, b"ICCP") if flags & _HAS_PROFILE else b""
    if flags & _HAS_ANIMATION:
        first[_FLAGS] = _HAS_ANIMATION | _HAS_ALPHA
        parts = _firsts(data, walked, b"ANIM", b"ANMF")
    else:
        first[_FLAGS] = flags & _HAS_ALPHA
        lossy = _firsts(data, walked, b"ALPH", b"VP8 ")
        parts = lossy if lossy and lossy[-1][:4] == b"VP8 " else _firsts(data, walked, b"VP8L")
    return BarePixels(_file([bytes(first), *parts]), profile)


def _firsts(data: bytes, walked: list[Chunk], *wanted: bytes) -> list[bytes]:
    """The first chunk of each of these types, in the order of the types."""
    found: dict[bytes, bytes] = {}
    for kind, start, end in walked:
        if kind in wanted and kind not in found:
            found[kind] = data[start:end]
    return [found[kind] for kind in wanted if kind in found]


def _file(parts: list[bytes]) -> bytes:
    body = b"".join((b"WEBP", *parts))
    return b"RIFF" + struct.pack("<I", len(body)) + body
