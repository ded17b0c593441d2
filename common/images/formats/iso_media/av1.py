"""AV1: the size for which a decoder allocates memory, and how many frames it decodes (AV1
Bitstream & Decoding Process Specification, sections 5.3 to 5.5).
"""

from collections.abc import Iterator

from common.images.formats.header import malformed
from common.images.formats.iso_media.bits import Bits

_NAME = "AVIF"
_SEQUENCE_HEADER, _FRAMES = 1, frozenset((3, 6))  # types of units
_HEADER_BYTES = 1024  # of a sequence header with 32 operating points
_MOST_UNITS = 700
_MOST_FRAMES = 16  # a picture in layers has four, some of which may refer to hidden ones

Unit = tuple[int, int, int]  # type, start and end of the payload


def largest_frame(data: bytes) -> int:
    """Return the pixels of the largest frame that the sequence headers in an item announce; 0
    without any. Raises `image_malformed` if there are more frames than a still picture has.
    """
    pixels = frames = 0
    for kind, start, end in _units(data):
        if kind == _SEQUENCE_HEADER:
            pixels = max(pixels, _pixels(data[start : min(end, start + _HEADER_BYTES)]))
        frames += kind in _FRAMES
    if frames > _MOST_FRAMES:
        raise malformed(_NAME, "one of its parts holds a video")
    return pixels


def _units(data: bytes) -> Iterator[Unit]:
    """Yield the open bitstream units."""
    position = count = 0
    while position < len(data):
        header = data[position]
        position += 2 if header & 4 else 1  # with an extension
        length = len(data) - position
        if header & 2:
            length, position = _leb128(data, position)
        yield header >> 3 & 15, position, min(position + length, len(data))
        position += length
        count += 1
        if count > _MOST_UNITS:
            raise malformed(_NAME, "a picture in it has too many parts")


def _leb128(data: bytes, position: int) -> tuple[int, int]:
    """Return the number in LEB128 code at an offset, and the offset after it."""
    value = 0
    for n, byte in enumerate(data[position : position + 8]):
        value |= (byte & 127) << 7 * n
        if not byte & 128:
            return value, position + n + 1
    return value, position + 8


def _pixels(payload: bytes) -> int:
    """Return the largest width x height of a sequence header."""
    bits = Bits(payload)
    bits.number(3 + 1)
    if bits.number(1):  # the short header of a still picture
        bits.number(5)
    else:
        _skip_timing(bits)
    across, down = bits.number(4) + 1, bits.number(4) + 1
    return (bits.number(across) + 1) * (bits.number(down) + 1)


def _skip_timing(bits: Bits) -> None:
    """Pass over timing information and operating points."""
    delay_bits = 0
    if bits.number(1):
        bits.number(64)
        if bits.number(1):
            bits.exp_golomb()
        if bits.number(1):
            delay_bits = bits.number(5) + 1
            bits.number(32 + 5 + 5)
    has_display_delay = bits.number(1)
    for _ in range(bits.number(5) + 1):
        bits.number(12)
        if bits.number(5) > 7:
            bits.number(1)
        if delay_bits and bits.number(1):
            bits.number(2 * delay_bits + 1)
        if has_display_delay and bits.number(1):
            bits.number(4)
