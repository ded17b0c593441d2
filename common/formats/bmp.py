"""BMP: size and end from the headers of Windows and OS/2 bitmaps."""

import struct

from common.errors import UnsupportedMedia
from common.formats.header import Header, malformed, truncated

_NAME = "BMP"
_FILE_HEADER, _CORE, _INFO, _V5 = 14, 12, 40, 124
_HEADER_SIZES = frozenset((_CORE, _INFO, 52, 56, 64, 108, _V5))
_PLAIN, _RLE8, _RLE4, _BITFIELDS, _JPEG, _PNG, _ALPHA_BITFIELDS = range(7)
_MASK_BYTES = {_BITFIELDS: 12, _ALPHA_BITFIELDS: 16}  # behind a header of 40 bytes, else within it
_DEPTHS = frozenset((1, 2, 4, 8, 16, 24, 32, 64))
_EMBEDDED = b"DEBM"  # the colour space "MBED", little-endian: a profile follows the pixels


def recognises(data: bytes) -> bool:
    """Whether the first bytes are a BMP's; two letters alone could be any text."""
    return data.startswith(b"BM") and _header_size(data) in _HEADER_SIZES


def read(data: bytes) -> Header:
    """The header. `complete` means: the whole pixel array of an uncompressed bitmap is there, or as
    many bytes as a run-length coded one announces.
    """
    width, height, end = _describe(data)
    return Header("image/bmp", width, height, 1, 1, end <= len(data))


def strip(data: bytes) -> bytes:
    """The bitmap without what follows its pixels and colour profile."""
    *_, end = _describe(data)
    if end > len(data):
        raise truncated(_NAME)
    # The file's length stands in its header.
    return data if end == len(data) else data[:2] + struct.pack("<I", end) + data[6:end]


def _header_size(data: bytes) -> int:
    return int.from_bytes(data[14:18], "little")


def _describe(data: bytes) -> tuple[int, int, int]:
    """(width, height, offset of the end)."""
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
        end = start + length if length else len(data)
    else:
        end = start + (width * depth + 31) // 32 * 4 * height
    return width, height, max(first, end, _profile_end(data, header_size))


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


def _profile_end(data: bytes, header_size: int) -> int:
    if header_size != _V5 or data[70:74] != _EMBEDDED:
        return 0
    offset, length = struct.unpack_from("<II", data, 126)
    end: int = _FILE_HEADER + offset + length
    return end if end <= len(data) else 0
