"""HEIC and AVIF: size, orientation and end from the boxes of a HEIF file (ISO/IEC 23008-12).

The picture is the primary item. A sequence of pictures counts for the still picture that comes with
it. As in browsers and libheif, the properties `irot` and `imir` turn a picture, and EXIF does not.
"""

from common.errors import UnsupportedMedia
from common.images.formats.header import Header, malformed, truncated
from common.images.formats.iso_media.boxes import NAME, Box, top_level
from common.images.formats.iso_media.geometry import geometry
from common.images.formats.iso_media.picture import Picture, find_picture
from common.images.formats.iso_media.tables import read_tables
from common.images.formats.iso_media.writer import is_known, write

_BRANDS = frozenset(
    b"heic heix heim heis hevc hevx hevm hevs mif1 mif2 msf1 miaf avif avis".split()
)
_MOST_BRANDS_BYTES = 1024
# A box that reaches beyond the file is one of these cut short, or bytes that were appended.
_CUT = frozenset((b"ftyp", b"meta", b"mdat", b"moov", b"free", b"skip", b"uuid", b"mpvd"))


def recognises(data: bytes) -> bool:
    """Whether the file begins with a list of brands, and one of them is of pictures."""
    if data[4:8] != b"ftyp":
        return False
    end = min(int.from_bytes(data[:4], "big"), _MOST_BRANDS_BYTES)
    return any(data[start : start + 4] in _BRANDS for start in (8, *range(16, end, 4)))


def read(data: bytes) -> Header:
    """Return the header; it is `complete` if the file has all bytes of the picture, and its last
    box is whole.
    """
    picture, is_whole = find(data)
    place = geometry(next(iter(picture.items.values())))
    left, top, right, bottom = place.crop
    return Header(
        picture.media_type,
        right - left,
        bottom - top,
        orientation=place.orientation,
        complete=is_whole,
        pixels=picture.pixels,
    )


def strip(data: bytes) -> bytes:
    """Return a new file with the parts of the picture alone: without EXIF, XMP, thumbnails, other
    pictures, video and bytes after its end.
    """
    picture, is_whole = find(data)
    if not is_whole:
        raise truncated(NAME)
    return write(data, picture, is_known)


def find(data: bytes) -> tuple[Picture, bool]:
    """Return the primary picture, and whether the file has all its bytes."""
    boxes = top_level(data)
    is_cut = bool(boxes) and boxes[-1].end > len(data) and boxes[-1].kind in _CUT
    meta = next((box for box in boxes if box.kind == b"meta"), None)
    if meta is None or meta.end > len(data):
        raise _without_picture(boxes, is_cut)
    picture = find_picture(data, read_tables(data, meta))
    return picture, picture.is_whole and not is_cut


def _without_picture(boxes: list[Box], is_cut: bool) -> Exception:
    if is_cut:
        return truncated(NAME)
    if any(box.kind == b"moov" for box in boxes):
        return UnsupportedMedia(
            "This is a sequence of pictures without a still one; send a single picture.",
            code="image_format_not_allowed",
        )
    return truncated(NAME) if len(boxes) < 2 else malformed(NAME, "it holds no picture")
