"""The primary picture of a HEIF file: the items that it is made of, checked against each other.

Everything else in the file is left out: thumbnails, depth and gain maps, EXIF, XMP, other pictures,
videos. So no decoder ever sees it.
"""

from dataclasses import dataclass, field
from typing import NamedTuple

from common.errors import UnsupportedMedia
from common.images.formats.header import malformed
from common.images.formats.iso_media import av1, hevc
from common.images.formats.iso_media.boxes import NAME
from common.images.formats.iso_media.derived import GRID, OVERLAY, SAME, check_derived
from common.images.formats.iso_media.geometry import stored_size
from common.images.formats.iso_media.tables import Extent, Item, Reference, Tables

HEIC, AVIF = "image/heic", "image/avif"
_MEDIA_TYPES = {b"hvc1": HEIC, b"av01": AVIF}
_DERIVED = {HEIC: {GRID, OVERLAY, SAME}, AVIF: {GRID}}  # what libheif and libavif read
_OTHERS = {
    b"avc1": "H.264", b"evc1": "EVC", b"j2k1": "JPEG 2000", b"jpeg": "JPEG", b"lhv1": "layered "
    "HEVC", b"tmap": "a tone map", b"unci": "uncompressed pixels", b"vvc1": "H.266",
}  # fmt: skip
_MOST_PARTS = 900  # libheif reads no file of more than 1,000 items
_DEEPEST = 3  # such as an overlay of grids of pictures
_ALPHA = (
    b"urn:mpeg:mpegB:cicp:systems:auxiliary:alpha\0",
    b"urn:mpeg:hevc:2015:auxid:1\0",
)
# Properties that define how the picture is decoded or looks; others are no part of it.
UNDERSTOOD = frozenset(
    b"ispe pixi colr hvcC av1C auxC irot imir clap pasp lsel a1op a1lx clli mdcv".split()
)


@dataclass(slots=True)
class Picture:
    """The items of the primary picture by id, that one first, and the references between them.

    `pixels` is how many a decoder handles, with those of tiles that are not shown; `media_type` is
    empty until a coded part is found. `is_whole` is False if bytes of a part are missing.
    """

    items: dict[int, Item] = field(default_factory=dict)
    references: list[Reference] = field(default_factory=list)
    media_type: str = ""
    pixels: int = 0
    is_whole: bool = True


def find_picture(data: bytes, tables: Tables) -> Picture:
    """Return the primary picture. Raises UnsupportedMedia if it is coded as no decoder here reads,
    and `image_malformed` if its parts are missing or contradict each other.
    """
    walk = _Walk(data, tables)
    walk.picture.pixels = walk.add(tables.primary).pixels
    picture = walk.picture
    for item in picture.items.values():
        if item.kind not in _MEDIA_TYPES and item.kind not in _DERIVED[picture.media_type]:
            raise _unsupported(item.kind)
    picture.references += [
        each
        for each in tables.references
        if each.kind == b"prem" and {each.source, *each.targets} <= picture.items.keys()
    ]
    return picture


class _Effort(NamedTuple):
    """What decoding an item takes: pixels, and how many parts are decoded."""

    pixels: int
    parts: int


class _Walk:
    """Collects the parts of a picture, and adds up what decoding them takes."""

    def __init__(self, data: bytes, tables: Tables):
        self.picture = Picture()
        self._data, self._items = data, tables.items
        self._inputs = {each.source: each for each in tables.references if each.kind == b"dimg"}
        self._alphas = {
            master: each
            for each in tables.references
            if each.kind == b"auxl" and self._is_alpha(each.source)
            for master in each.targets
        }
        self._efforts: dict[int, _Effort] = {}
        self._contents: dict[tuple[Extent, ...], bytes] = {}
        self._frames: dict[tuple[bytes, int], int] = {}
        self._bytes = 0

    def _is_alpha(self, id: int) -> bool:
        kind = self._items[id].first(b"auxC") if id in self._items else None
        return kind is not None and kind[4:].startswith(_ALPHA)

    def add(self, id: int, depth: int = 0) -> _Effort:
        """Add an item with its parts and its alpha, and return what decoding them takes: a part
        that is used twice is decoded twice.
        """
        if id in self._efforts:
            return self._efforts[id]
        item = self._items.get(id)
        if item is None or depth > _DEEPEST:
            raise malformed(NAME, "parts of its picture are missing, or nested too deeply")
        if item.kind not in (*_MEDIA_TYPES, GRID, OVERLAY, SAME):
            raise _unsupported(item.kind)
        content = self._content(id, item)
        width, height = stored_size(item)
        pixels, parts = width * height, 1
        if item.kind in _MEDIA_TYPES:
            pixels = max(pixels, self._coded(item, content))
        else:
            inputs = self._inputs.get(id, Reference(b"dimg", id, ()))
            efforts = self._refer(inputs, depth)
            pixels = max(pixels, sum(each.pixels for each in efforts))
            parts += sum(each.parts for each in efforts)
            check_derived(item, content, [self._items[each] for each in inputs.targets])
        if alpha := self._alphas.get(id):
            inputs = Reference(alpha.kind, alpha.source, (id,))
            self.picture.references.append(inputs)
            effort = self.add(alpha.source, depth + 1)
            pixels, parts = max(pixels, effort.pixels), parts + effort.parts
        if parts > _MOST_PARTS:
            raise malformed(NAME, f"its picture has more than {_MOST_PARTS} parts")
        self._efforts[id] = _Effort(pixels, parts)
        return self._efforts[id]

    def _refer(self, inputs: Reference, depth: int) -> list[_Effort]:
        self.picture.references.append(inputs)
        return [self.add(each, depth + 1) for each in inputs.targets]

    def _content(self, id: int, item: Item) -> bytes:
        """Note the item, and return its bytes, empty if some are missing in the file."""
        if item.is_protected or item.is_elsewhere:
            raise malformed(NAME, "its picture is encrypted, or not within the file")
        for kind, _, is_essential in item.properties:
            if is_essential and kind not in UNDERSTOOD:
                raise _unsupported(kind)
        self.picture.items[id] = item
        if any(end > len(self._data) for _, end in item.extents):
            self.picture.is_whole = False
            return b""
        key = tuple(item.extents)
        if key not in self._contents:
            # Tiles that look alike may share all their bytes, but not some of them: the picture
            # cannot have more than the file.
            self._bytes += sum(end - start for start, end in key)
            if self._bytes > len(self._data):
                raise malformed(NAME, "the parts of its picture overlap")
            self._contents[key] = item.content(self._data)
        if not (self._contents[key] or item.kind == SAME):
            raise malformed(NAME, "a part of its picture has no bytes")
        return self._contents[key]

    def _coded(self, item: Item, content: bytes) -> int:
        media_type = _MEDIA_TYPES[item.kind]
        if self.picture.media_type not in ("", media_type):
            raise malformed(NAME, "its picture is coded in two ways")
        self.picture.media_type = media_type
        configuration = item.first(b"hvcC" if media_type == HEIC else b"av1C")
        if configuration is None:
            raise malformed(NAME, "a part of its picture has no configuration")
        length_size = hevc.length_size(configuration) if media_type == HEIC else 0
        if (content, length_size) not in self._frames:
            self._frames[content, length_size] = (
                hevc.largest_frame(content, length_size)
                if length_size
                else av1.largest_frame(content)
            )
        announced = hevc.announced(configuration) if length_size else 0
        return max(announced, self._frames[content, length_size])


def _unsupported(kind: bytes) -> UnsupportedMedia:
    what = _OTHERS.get(kind, ascii(kind.decode("latin-1")))
    return UnsupportedMedia(
        f"This is a HEIF file whose picture uses {what}; accepted are HEIC (coded in HEVC) and "
        "AVIF.",
        code="image_format_not_allowed",
    )
