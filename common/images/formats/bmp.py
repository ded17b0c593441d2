"""BMP: size and end from the headers of Windows and OS/2 bitmaps."""

import struct
from dataclasses import dataclass

from common.errors import UnsupportedMedia
from common.images.formats.header import Header, malformed, truncated

_NAME = "BMP"
_FILE_HEADER, _CORE, _INFO, _V5 = 14, 12, 40, 124
_HEADER_SIZES = frozenset((_CORE, _INFO, 52, 56, 64, 108, _V5))
_PLAIN, _RLE8, _RLE4, _BITFIELDS, _JPEG, _PNG, _ALPHA_BITFIELDS = range(7)
_MASK_BYTES = {_BITFIELDS: 12, _ALPHA_BITFIELDS: 16}  # behind a header of 40 bytes, else within it
_DEPTHS = frozenset((1, 2, 4, 8, 16, 24, 32, 64))
_EMBEDDED = b"DEBM"  # the colour space "MBED", little-endian: a profile follows the pixels


@dataclass(frozen=True, slots=True)
class Layout:
    """Size in pixels, bits a pixel, and where the parts of the file are, in bytes from its start.

    `first` is where header, masks and palette end, so that pixels which `start` behind it leave a
    gap; `end` is how long the file must be.
    """

    width: int
    height: int
    depth: int
    first: int
    start: int
    pixels_end: int
    end: int


def recognises(data: bytes) -> bool:
    """Whether the file begins with `BM` and a known header size; `BM` alone could be text."""
    return data.startswith(b"BM") and _header_size(data) in _HEADER_SIZES


def read(data: bytes) -> Header:
    """Return the header; it is `complete` if the file has the whole pixel array, or as many bytes
    as the header of a run-length encoded bitmap announces.
    """
    layout = _describe(data)
    return Header("image/bmp", layout.width, layout.height, 1, 1, layout.end <= len(data))


def strip(data: bytes) -> bytes:
    """Return the header, palette, pixels and colour profile, without gaps between them and without
    the bytes after them.
    """
    layout = _describe(data)
    if layout.end > len(data):
        raise truncated(_NAME)
    # Pixels that begin within the palette cannot be moved away from it.
    has_own_place = layout.start >= layout.first
    head = bytearray(data[: layout.first if has_own_place else layout.end])
    pixels = memoryview(data)[layout.start : layout.pixels_end] if has_own_place else b""
    profile = embedded_profile(data)
    if _header_size(data) == _V5:
        # Profiles are placed from the start of the bitmap's own header.
        place = len(head) + len(pixels) - _FILE_HEADER if profile else 0
        struct.pack_into("<II", head, 126, place, len(profile))
    if layout.depth > 8 and _header_size(data) >= _INFO:
        struct.pack_into("<II", head, 46, 0, 0)  # no palette: it was part of the gap
    struct.pack_into("<I", head, 2, len(head) + len(pixels) + len(profile))
    start = len(head) if has_own_place else layout.start
    struct.pack_into("<II", head, 6, 0, start)  # the first is reserved
    return b"".join((head, pixels, profile))


def embedded_profile(data: bytes) -> bytes:
    """The ICC profile in a bitmap of version 5, empty without one."""
    if _header_size(data) != _V5 or data[70:74] != _EMBEDDED:
        return b""
    offset, length = struct.unpack_from("<II", data, 126)
    start = _FILE_HEADER + offset
    return data[start : start + length] if start + length <= len(data) else b""


def _header_size(data: bytes) -> int:
    return int.from_bytes(data[14:18], "little")


def _describe(data: bytes) -> Layout:
    header_size = _header_size(data)
    if len(data) < _FILE_HEADER + header_size:
        raise truncated(_NAME)
    compression = length = colours = 0
    if header_size == _CORE:
        width, height, _, depth = struct.unpack_from("<HHHH", data, 18)
    else:
        width, height, _, depth, compression, length = struct.unpack_from("<iiHHII", data, 18)
        colours = int.from_bytes(data[46:50], "little")
    height = abs(height)  # negative: the first row is the top one
    _check(width, depth, compression)
    start, first = _pixels_at(data, header_size, depth, compression, colours)
    if compression in (_RLE8, _RLE4):
        end = start + length if length else len(data) - len(embedded_profile(data))
    else:
        end = start + (width * depth + 31) // 32 * 4 * height
    return Layout(width, height, depth, first, start, end, max(first, end))


def _check(width: int, depth: int, compression: int) -> None:
    if compression in (_JPEG, _PNG):
        raise UnsupportedMedia(
            "This BMP wraps a JPEG or PNG, as printers take them; send that image itself.",
            code="image_format_not_allowed",
        )
    if compression > _ALPHA_BITFIELDS:
        raise malformed(_NAME, f"there is no compression {compression}")
    if depth not in _DEPTHS:
        raise malformed(_NAME, f"there are no pixels of {depth} bits")
    if width < 0:
        raise malformed(_NAME, "its width is negative")


def _pixels_at(
    data: bytes, header_size: int, depth: int, compression: int, colours: int
) -> tuple[int, int]:
    """(offset of the pixels, the least it can be). As in Pillow, an offset that is not given, or
    that forgets the palette, is mended.
    """
    bare = _FILE_HEADER + header_size
    first = bare
    if header_size == _INFO:
        first += _MASK_BYTES.get(compression, 0)
    if depth <= 8:
        first += (3 if header_size == _CORE else 4) * min(colours or 256, 1 << depth)
    given = int.from_bytes(data[10:14], "little")
    return (first if given == 0 or (given == bare and depth <= 8) else given), first
