"""Writing a HEIF file that holds one picture and nothing else.

The items get new ids and new places, so nothing of the old file is left between them.
"""

import struct
from collections.abc import Callable

from common.images.formats.iso_media.picture import AVIF, UNDERSTOOD, Picture
from common.images.formats.iso_media.tables import Extent, Item, Property, Reference

_BRANDS = {AVIF: b"avif\0\0\0\0avifmif1miaf"}
_HEIC_BRANDS = b"heic\0\0\0\0heicheixmif1miaf"
_ALPHA = b"\0\0\0\0urn:mpeg:mpegB:cicp:systems:auxiliary:alpha\0"
_HIDDEN = 1

Contents = dict[tuple[Extent, ...], bytes]

Keep = Callable[[int, Property], bool]  # of an item's id and one of its properties


def write(data: bytes, picture: Picture, keep: Keep) -> bytes:
    """Return a file with the picture of the file `data`, with those of its properties for which
    `keep` is true.
    """
    items = list(picture.items.values())
    numbers = {id: number for number, id in enumerate(picture.items, 1)}
    contents = {tuple(item.extents): item.content(data) for item in items}
    brands = _BRANDS.get(picture.media_type, _HEIC_BRANDS)
    start = _box(b"ftyp", brands)
    fixed = (
        _full_box(b"hdlr", struct.pack(">I4s12xx", 0, b"pict")),
        _full_box(b"pitm", struct.pack(">H", 1)),
        _infos(items),
        _references(picture.references, numbers),
        _properties(picture.items, keep),
    )
    # The places of the items follow from the length of the table of these places.
    length = len(start) + len(_meta(fixed, _locations(0, items, contents))) + 8
    meta = _meta(fixed, _locations(length, items, contents))
    return b"".join((start, meta, _box(b"mdat", b"".join(contents.values()))))


def is_known(_id: int, each: Property) -> bool:
    """Whether a property defines how the picture is decoded or looks."""
    return each.kind in UNDERSTOOD


def _box(kind: bytes, payload: bytes) -> bytes:
    return struct.pack(">I4s", 8 + len(payload), kind) + payload


def _full_box(kind: bytes, payload: bytes, version: int = 0, flags: int = 0) -> bytes:
    return _box(kind, struct.pack(">I", version << 24 | flags) + payload)


def _meta(boxes: tuple[bytes, ...], locations: bytes) -> bytes:
    return _full_box(b"meta", b"".join((*boxes, locations)))


def _infos(items: list[Item]) -> bytes:
    """The types of the items; all but the primary one are hidden."""
    entries = [
        _full_box(b"infe", struct.pack(">HH4sx", number, 0, item.kind), 2, _HIDDEN * (number > 1))
        for number, item in enumerate(items, 1)
    ]
    return _full_box(b"iinf", struct.pack(">H", len(items)) + b"".join(entries))


def _locations(start: int, items: list[Item], contents: Contents) -> bytes:
    """The places of the items; their contents come one after the other from `start`."""
    places = {}
    for extents, content in contents.items():
        places[extents] = start, len(content)
        start += len(content)
    entries = [
        struct.pack(">HHHII", number, 0, 1, *places[tuple(item.extents)])
        for number, item in enumerate(items, 1)
    ]
    return _full_box(b"iloc", struct.pack(">HH", 0x4400, len(entries)) + b"".join(entries))


def _references(references: list[Reference], numbers: dict[int, int]) -> bytes:
    boxes = []
    for kind, source, targets in references:
        ids = (numbers[source], len(targets), *(numbers[each] for each in targets))
        boxes.append(_box(kind, struct.pack(f">{len(ids)}H", *ids)))
    return _full_box(b"iref", b"".join(boxes)) if boxes else b""


def _properties(items: dict[int, Item], keep: Keep) -> bytes:
    """The properties, each once, and those of each item."""
    places: dict[tuple[bytes, bytes], int] = {}
    entries = []
    for number, (id, item) in enumerate(items.items(), 1):
        kept = [each for each in item.properties if keep(id, each)]
        values = []
        for kind, payload, is_essential in kept:
            payload = _ALPHA if kind == b"auxC" else payload
            place = places.setdefault((kind, payload), len(places) + 1)
            values.append(is_essential << 15 | place)
        entries.append(struct.pack(f">HB{len(values)}H", number, len(values), *values))
    container = _box(b"ipco", b"".join(_box(*each) for each in places))
    table = struct.pack(">I", len(entries)) + b"".join(entries)
    return _box(b"iprp", container + _full_box(b"ipma", table, flags=1))
