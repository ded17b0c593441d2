"""HEIC and AVIF for tests: by encoders, and box by box from what the specification says.

The second way shares no code with the parser that it tests.
"""

import io
import struct
from itertools import pairwise
from typing import Any, NamedTuple

import pillow_heif
from PIL import Image

from tests.support.images.pictures import encode


def heic(image: Image.Image, quality: int = 90, **options: Any) -> bytes:
    """A HEIC by libheif and x265; `exif` with an orientation becomes `irot` and `imir`."""
    file = pillow_heif.from_pillow(image)
    target = io.BytesIO()
    file.save(target, quality=quality, **options)
    return target.getvalue()


def box(kind: bytes, *payload: bytes) -> bytes:
    body = b"".join(payload)
    return struct.pack(">I4s", 8 + len(body), kind) + body


def full_box(kind: bytes, *payload: bytes, version: int = 0, flags: int = 0) -> bytes:
    return box(kind, struct.pack(">I", version << 24 | flags), *payload)


def ispe(width: int, height: int) -> bytes:
    return full_box(b"ispe", struct.pack(">II", width, height))


def irot(turns: int) -> bytes:
    return box(b"irot", bytes([turns]))


def imir(axis: int) -> bytes:
    return box(b"imir", bytes([axis]))


def clap(width: int, height: int, x: tuple[int, int], y: tuple[int, int]) -> bytes:
    """The part of a size whose centre is x and y (numerator, denominator) from the picture's."""
    return box(b"clap", struct.pack(">8i", width, 1, height, 1, *x, *y))


ESSENTIAL = (b"irot", b"imir", b"clap", b"av1C", b"hvcC")


class Coded(NamedTuple):
    """What an encoder made of a picture: the type of the item, its configuration, its bytes."""

    kind: bytes
    configuration: bytes
    data: bytes


def av1(image: Image.Image, **options: Any) -> Coded:
    """A picture as AV1, taken out of the AVIF that Pillow writes."""
    options = {"quality": 95, "subsampling": "4:4:4"} | options
    file = encode(image, "AVIF", **options)
    return Coded(b"av01", _whole_box(file, b"av1C"), _whole_box(file, b"mdat")[8:])


def hevc(image: Image.Image) -> Coded:
    """A picture as HEVC, taken out of the HEIC that libheif writes. Its sides must be multiples of
    64, else libheif stores more of it.
    """
    file = heic(image, 95, chroma=444)
    return Coded(b"hvc1", _whole_box(file, b"hvcC"), _whole_box(file, b"mdat")[8:])


def _whole_box(file: bytes, kind: bytes) -> bytes:
    start = file.index(kind) - 4
    return file[start : start + int.from_bytes(file[start : start + 4], "big")]


class Part(NamedTuple):
    """An item: its type, its bytes, its properties as boxes, and whether these are in `idat`."""

    kind: bytes
    data: bytes
    properties: tuple[bytes, ...] = ()
    in_idat: bool = False


def part(coded: Coded, size: tuple[int, int], *properties: bytes) -> Part:
    """The item of a coded picture of this size."""
    return Part(coded.kind, coded.data, (coded.configuration, ispe(*size), *properties))


def grid(rows: int, columns: int, size: tuple[int, int], *properties: bytes) -> Part:
    """A picture of so many tiles."""
    data = struct.pack(">BBBBHH", 0, 0, rows - 1, columns - 1, *size)
    return Part(b"grid", data, (ispe(*size), *properties), in_idat=True)


class Layout(NamedTuple):
    """How a file is written where the specification leaves a choice."""

    version: int = 0  # of iloc; the other tables follow
    cuts: int = 1  # extents an item
    base: bool = False  # offsets are counted from the item's first byte
    before: bytes = b""  # boxes before `meta`
    data_first: bool = False


Link = tuple[bytes, int, tuple[int, ...]]


def heif(
    parts: list[Part],
    links: tuple[Link, ...] = (),
    layout: Layout = Layout(),  # noqa: B008
    brands: bytes = b"mif1\0\0\0\0mif1heicavifmiaf",
) -> bytes:
    """A file of these items, numbered from 1; the first is the primary one."""
    start = box(b"ftyp", brands) + layout.before
    stored = b"".join(each.data for each in parts if not each.in_idat)
    if layout.data_first:
        mdat = box(b"mdat", stored)
        return start + mdat + _meta(parts, links, layout, len(start) + 8)
    length = len(_meta(parts, links, layout, 0))
    return start + _meta(parts, links, layout, len(start) + length + 8) + box(b"mdat", stored)


def _meta(parts: list[Part], links: tuple[Link, ...], layout: Layout, start: int) -> bytes:
    wide = layout.version == 2
    id = "I" if wide else "H"
    infos = [
        full_box(b"infe", struct.pack(f">{id}H4sx", n, 0, each.kind), version=3 if wide else 2)
        for n, each in enumerate(parts, 1)
    ]
    boxes = [box(kind, struct.pack(f">{id}H{len(to)}{id}", source, len(to), *to))
             for kind, source, to in links]  # fmt: skip
    idat = [each.data for each in parts if each.in_idat]
    return full_box(
        b"meta",
        full_box(b"hdlr", struct.pack(">I4s12xx", 0, b"pict")),
        full_box(b"pitm", struct.pack(f">{id}", 1), version=int(wide)),
        full_box(b"iinf", struct.pack(f">{id}", len(parts)), *infos, version=int(wide)),
        _iloc(parts, layout, start),
        _iprp(parts, wide),
        full_box(b"iref", *boxes, version=int(wide)) if links else b"",
        box(b"idat", *idat) if idat else b"",
    )


def _iloc(parts: list[Part], layout: Layout, start: int) -> bytes:
    id = "I" if layout.version == 2 else "H"
    base_size = 8 if layout.base else 0
    entries = [struct.pack(f">BB{id}", 0x44, base_size << 4, len(parts))]
    places = {False: start, True: 0}
    for number, each in enumerate(parts, 1):
        place, length = places[each.in_idat], len(each.data)
        places[each.in_idat] += length
        entries.append(struct.pack(f">{id}", number))
        if layout.version:
            entries.append(struct.pack(">H", each.in_idat))
        assert layout.version or not each.in_idat
        base = place if layout.base else 0
        cuts = [length * n // layout.cuts for n in range(layout.cuts + 1)]
        entries.append(struct.pack(">H", 0) + base.to_bytes(base_size, "big"))
        entries.append(struct.pack(">H", layout.cuts))
        for first, last in pairwise(cuts):
            entries.append(struct.pack(">II", place - base + first, last - first))
    return full_box(b"iloc", *entries, version=layout.version)


def _iprp(parts: list[Part], wide: bool) -> bytes:
    boxes = [each for part in parts for each in part.properties]
    entries, number = [struct.pack(">I", len(parts))], 0
    essential = 1 << 15 if wide else 1 << 7
    for n, each in enumerate(parts, 1):
        count = len(each.properties)
        # A reader must understand what decodes or turns the picture.
        values = [
            number + place + essential * (box[4:8] in ESSENTIAL)
            for place, box in enumerate(each.properties, 1)
        ]
        number += count
        entries.append(struct.pack(">IB" if wide else ">HB", n, count))
        entries += [struct.pack(">H" if wide else ">B", value) for value in values]
    ipma = full_box(b"ipma", *entries, version=int(wide), flags=int(wide))
    return box(b"iprp", box(b"ipco", *boxes), ipma)
