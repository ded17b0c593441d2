"""PNG: header, palette and pixel data; the other chunks are read as libpng reads them.

An ancillary chunk counts only if it comes before the pixels, is the first of its type and has the
right checksum and length.
"""

import struct
import zlib

from common.images.formats.bare.colours import profile_of_code_points, profile_of_primaries
from common.images.formats.bare.pixels import BarePixels
from common.images.formats.png import SIGNATURE, chunks, is_intact

_PIXELS = (b"IHDR", b"IDAT", b"IEND")
_COLOURS = frozenset((b"cICP", b"iCCP", b"sRGB", b"gAMA", b"cHRM", b"tRNS"))
_GREY, _RGB, _PALETTE = 0, 2, 3
_MOST_PROFILE = 4 << 20  # bytes; profiles of printing presses have some 2 MB
_LONGEST_NAME = 79

Found = dict[bytes, bytes]


def bare(data: bytes) -> BarePixels:
    """The picture (of an animation the default one) without ancillary chunks."""
    view = memoryview(data)
    depth, colour_type = data[24], data[25]
    parts: list[bytes | memoryview] = [SIGNATURE]
    found: Found = {}
    seen_pixels = False
    for kind, start, end in chunks(data):
        if kind in _PIXELS:
            parts.append(view[start:end])
            seen_pixels |= kind == b"IDAT"
        elif seen_pixels or kind in found:
            continue
        elif kind == b"PLTE" and colour_type == _PALETTE:
            parts.append(view[start:end])
            found[kind] = data[start + 8 : end - 4]
        elif kind in _COLOURS and is_intact(data, start, end):
            found[kind] = data[start + 8 : end - 4]
            if kind == b"tRNS" and _fits_palette(found, colour_type):
                parts.append(view[start:end])
    transparent = _transparent(found.get(b"tRNS", b""), depth, colour_type)
    return BarePixels(b"".join(parts), _profile(found, colour_type), transparent, depth)


def _fits_palette(found: Found, colour_type: int) -> bool:
    colours = len(found.get(b"PLTE", b"")) // 3
    return colour_type == _PALETTE and 0 < len(found[b"tRNS"]) <= colours


def _transparent(payload: bytes, depth: int, colour_type: int) -> tuple[int, ...]:
    """The transparent grey or colour, of which the bits above the depth do not count."""
    values = {_GREY: 1, _RGB: 3}.get(colour_type, 0)
    if not values or len(payload) != 2 * values:
        return ()
    return tuple(value & (1 << depth) - 1 for value in struct.unpack(f">{values}H", payload))


def _profile(found: Found, colour_type: int) -> bytes:
    """From the chunk that comes first in the order of the specification: cICP, iCCP, sRGB, gAMA."""
    if len(points := found.get(b"cICP", b"")) == 4:
        known = profile_of_code_points(*points)
        if known is not None:
            return known
    if b"iCCP" in found and (profile := _inflated(found[b"iCCP"])):
        # libpng takes no profile of grey for colours, nor the other way round.
        space = b"RGB " if colour_type & 2 else b"GRAY"
        if profile[16:20] == space:
            return profile
    if len(found.get(b"sRGB", b"")) == 1 or len(gamma := found.get(b"gAMA", b"")) != 4:
        return b""
    primaries = found.get(b"cHRM", b"")
    corners = struct.unpack(">8I", primaries) if len(primaries) == 32 else ()
    return profile_of_primaries(int.from_bytes(gamma, "big"), corners)


def _inflated(payload: bytes) -> bytes:
    """The profile behind its name and compression method; empty if it is broken or too long."""
    name, separator, rest = payload.partition(b"\0")
    if not separator or not 0 < len(name) <= _LONGEST_NAME or rest[:1] != b"\0":
        return b""
    inflater = zlib.decompressobj()
    try:
        profile = inflater.decompress(rest[1:], _MOST_PROFILE)
    except zlib.error:
        return b""
    size = int.from_bytes(profile[:4], "big")
    return profile[:size] if 128 < size <= len(profile) else b""
