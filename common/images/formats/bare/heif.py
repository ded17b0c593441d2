"""HEIC and AVIF: the parts of the picture as stored, before it is cropped and turned."""

from common.images.formats.bare.colours import profile_of_code_points
from common.images.formats.bare.pixels import BarePixels
from common.images.formats.header import truncated
from common.images.formats.heif import find
from common.images.formats.iso_media.boxes import NAME
from common.images.formats.iso_media.geometry import TRANSFORMATIONS, geometry
from common.images.formats.iso_media.tables import Item, Property
from common.images.formats.iso_media.writer import is_known, write

_PROFILES = (b"prof", b"rICC")
_CODE_POINTS = b"nclx"
_SRGB_CURVE = 13
# Screens show these curves of video like that of sRGB, as browsers do; ITU-T H.273, table 3.
_VIDEO_CURVES = frozenset((1, 6, 14, 15))
_OF_BRIGHT_SCREENS = frozenset((b"clli", b"mdcv"))


def bare(data: bytes) -> BarePixels:
    """The stored picture, and what of it is shown. Raises `image_truncated`."""
    picture, is_whole = find(data)
    if not is_whole:
        raise truncated(NAME)
    main, item = next(iter(picture.items.items()))
    # The transparency of a picture has the same transformations.
    stored = {main, *(each.source for each in picture.references if main in each.targets)}

    def keep(id: int, each: Property) -> bool:
        is_transformed = id in stored and each.kind in TRANSFORMATIONS
        is_profile = each.kind == b"colr" and each.payload.startswith(_PROFILES)
        is_needed = not (is_transformed or is_profile or each.kind in _OF_BRIGHT_SCREENS)
        return is_needed and is_known(id, each)

    place = geometry(item)
    crop = None if place.crop == (0, 0, *place.size) else place.crop
    return BarePixels(write(data, picture, keep), _profile(item), crop=crop)


def _profile(item: Item) -> bytes:
    """The item's profile, or one for the numbers that describe its colours."""
    colours = [each.payload for each in item.properties if each.kind == b"colr"]
    for payload in colours:
        if payload.startswith(_PROFILES):
            return payload[4:]
    for payload in colours:
        if payload.startswith(_CODE_POINTS):
            primaries, transfer = (int.from_bytes(payload[n : n + 2], "big") for n in (4, 6))
            curve = _SRGB_CURVE if transfer in _VIDEO_CURVES else transfer
            # The decoder has dealt with the matrix and the range.
            return profile_of_code_points(primaries, curve, 0, 1) or b""
    return b""
