"""What the properties of an item say of its place on the screen: size, crop, rotation, mirroring.

Rotations, mirrorings and crops apply in the order of the item's properties. Here they become a crop
of the stored picture and one of the eight orientations of EXIF.
"""

from dataclasses import dataclass
from math import floor

from common.images.formats.header import malformed
from common.images.formats.iso_media.boxes import NAME, Reader
from common.images.formats.iso_media.tables import Item

TRANSFORMATIONS = frozenset((b"clap", b"irot", b"imir"))

# Where the corners of the stored picture (0 upper left, then clockwise) are displayed: upper left,
# upper right, lower right, lower left.
_ORIENTATIONS = {
    (0, 1, 2, 3): 1, (1, 0, 3, 2): 2, (2, 3, 0, 1): 3, (3, 2, 1, 0): 4,
    (0, 3, 2, 1): 5, (3, 0, 1, 2): 6, (2, 1, 0, 3): 7, (1, 2, 3, 0): 8,
}  # fmt: skip

Corners = tuple[int, int, int, int]
Crop = tuple[int, int, int, int]  # left, top, right, bottom


@dataclass(frozen=True, slots=True)
class Geometry:
    """The stored size in pixels, the part of it that is shown, and its EXIF orientation."""

    size: tuple[int, int]
    crop: Crop
    orientation: int


def geometry(item: Item) -> Geometry:
    """Return the geometry of an item. Raises `image_malformed` if it has no size, or its crop lies
    outside the picture.
    """
    size = stored_size(item)
    crop: Crop = (0, 0, *size)
    corners: Corners = (0, 1, 2, 3)
    for kind, payload, _ in item.properties:
        fields = Reader(payload, 0, len(payload))
        if kind == b"irot":
            for _ in range(fields.number(1) & 3):  # turns of 90 degrees, anticlockwise
                corners = _moved(corners, (1, 2, 3, 0))
        elif kind == b"imir":
            is_sideways = fields.number(1) & 1
            corners = _moved(corners, (1, 0, 3, 2) if is_sideways else (3, 2, 1, 0))
        elif kind == b"clap":
            crop = _cropped(fields, crop, corners)
    return Geometry(size, crop, _ORIENTATIONS[corners])


def _moved(corners: Corners, places: Corners) -> Corners:
    first, second, third, fourth = (corners[place] for place in places)
    return first, second, third, fourth


def stored_size(item: Item) -> tuple[int, int]:
    """Return the width and height that the item's property `ispe` gives."""
    extent = item.first(b"ispe")
    if extent is None:
        raise malformed(NAME, "a picture in it has no size")
    fields = Reader(extent, 4, len(extent))
    return fields.number(4), fields.number(4)


def _cropped(fields: Reader, crop: Crop, corners: Corners) -> Crop:
    """Return the part of `crop` that a clean aperture leaves (ISO/IEC 14496-12, section 12.1.4).

    Its size and the distance of its centre from the picture's are those of the picture as it is
    displayed so far.
    """
    left, top, right, bottom = crop
    places = ((left, top), (right, top), (right, bottom), (left, bottom))
    origin, along, down = (places[corners[n]] for n in (0, 1, 3))
    is_turned = _ORIENTATIONS[corners] >= 5
    whole = (bottom - top, right - left) if is_turned else (right - left, bottom - top)
    width, height, x, y = (fields.signed(4) / max(1, fields.signed(4)) for _ in range(4))
    spans = []
    # Half a pixel is rounded as in libheif: to the left, but down.
    for side, length, offset, half in ((whole[0], width, x, 0.0), (whole[1], height, y, 0.5)):
        start = floor(offset + (side - length) / 2 + half)
        spans.append((max(0, start), min(side, start + round(length))))
    (x0, x1), (y0, y1) = spans
    if x0 >= x1 or y0 >= y1:
        raise malformed(NAME, "its crop lies outside the picture")

    def stored(x: int, y: int) -> tuple[int, int]:
        across = [(end - start) // whole[0] * x for start, end in zip(origin, along, strict=True)]
        downward = [(end - start) // whole[1] * y for start, end in zip(origin, down, strict=True)]
        return origin[0] + across[0] + downward[0], origin[1] + across[1] + downward[1]

    (ax, ay), (bx, by) = stored(x0, y0), stored(x1, y1)
    return min(ax, bx), min(ay, by), max(ax, bx), max(ay, by)
