"""HEVC: the size for which a decoder allocates memory, and how many pictures it decodes
(ITU-T H.265, sections 7.3.1 and 7.3.2).
"""

from collections.abc import Iterator

from common.images.formats.header import malformed
from common.images.formats.iso_media.bits import Bits

_NAME = "HEIC"
_PARAMETERS = 33  # the type of a sequence parameter set
_SLICES = range(32)  # types of the parts of pictures
_HEADER_BYTES = 96  # of a parameter set; its size comes before
_MOST_UNITS = 700  # a picture has at most 600 slices
_MOST_STORED = 64

Unit = tuple[int, int]  # start and end


def announced(configuration: bytes) -> int:
    """Return the pixels of the largest frame that the parameter sets in an item's property `hvcC`
    announce; 0 without any.
    """
    return _largest(configuration, _stored_units(configuration))


def largest_frame(data: bytes, length_size: int) -> int:
    """Return the same for the parameter sets in an item's bytes, where `length_size` bytes before
    each unit hold its length.

    Raises `image_malformed` if there is more than one picture: each costs a decode.
    """
    return _largest(data, _units(data, length_size))


def length_size(configuration: bytes) -> int:
    """Return how many bytes hold the length of a unit, by the property `hvcC`."""
    return (configuration[21] & 3) + 1 if len(configuration) > 21 else 4


def _largest(data: bytes, units: Iterator[Unit]) -> int:
    pixels = pictures = 0
    for start, end in units:
        header = int.from_bytes(data[start : start + 2], "big")
        kind, layer = header >> 9 & 63, header >> 3 & 63
        if layer:
            continue  # another view of the picture, which is not decoded
        if kind == _PARAMETERS:
            pixels = max(pixels, _pixels(data[start : min(end, start + _HEADER_BYTES)]))
        elif kind in _SLICES and end > start + 2 and data[start + 2] & 128:
            pictures += 1
    if pictures > 1:
        raise malformed(_NAME, "one of its parts holds more than one picture")
    return pixels


def _stored_units(configuration: bytes) -> Iterator[Unit]:
    """Yield the units within the decoder's configuration (ISO/IEC 14496-15, section 8.3.2)."""
    position, left = 23, _MOST_STORED
    for _ in range(configuration[22] if len(configuration) > 22 else 0):
        count = int.from_bytes(configuration[position + 1 : position + 3], "big")
        position += 3
        for _ in range(count):
            left -= 1
            if left < 0 or position >= len(configuration):
                return
            length = int.from_bytes(configuration[position : position + 2], "big")
            yield position + 2, min(len(configuration), position + 2 + length)
            position += 2 + length


def _units(data: bytes, length_size: int) -> Iterator[Unit]:
    """Yield the units of an item, each after its length."""
    position = count = 0
    while position + length_size <= len(data):
        start = position + length_size
        position = start + int.from_bytes(data[position:start], "big")
        yield start, min(position, len(data))
        count += 1
        if count > _MOST_UNITS:
            raise malformed(_NAME, "a picture in it has too many parts")


def _pixels(unit: bytes) -> int:
    """Return width x height of a sequence parameter set."""
    bits = Bits(unit.replace(b"\0\0\3", b"\0\0")[2:])
    bits.number(4)
    layers = bits.number(3)  # temporal layers less one
    bits.number(1 + 96)  # the profile and its level
    if layers:
        present = [(bits.number(1), bits.number(1)) for _ in range(8)][:layers]
        for has_profile, has_level in present:
            bits.number(88 * has_profile + 8 * has_level)
    bits.exp_golomb()
    if bits.exp_golomb() == 3:  # the chroma format 4:4:4
        bits.number(1)
    return bits.exp_golomb() * bits.exp_golomb()
