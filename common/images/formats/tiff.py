"""TIFF: size, orientation and end of the first page, from its directory (TIFF 6.0, section 2).

Pages behind the first one do not count. A camera's raw file is a TIFF too, whose first page is a
thumbnail; it is refused.
"""

import struct
from dataclasses import dataclass

from common.errors import UnsupportedMedia
from common.images.formats.header import Header, malformed, truncated

_NAME = "TIFF"
_ORDERS = {b"II*\0": "<", b"MM\0*": ">"}
_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8}
_BYTE, _SHORT, _LONG = 1, 3, 4
_NUMBERS = {_BYTE: "B", _SHORT: "H", _LONG: "I"}
_MOST_ENTRIES = 1024
_MOST_NUMBERS = 200_000  # of an entry; a palette of 16 bits has 196,608

WIDTH, HEIGHT, BITS, COMPRESSION, COLOURS = 256, 257, 258, 259, 262
STRIPS, ORIENTATION, SAMPLES, ROWS, STRIP_BYTES, PLANES = 273, 274, 277, 278, 279, 284
TILE_WIDTH, TILE_HEIGHT, TILES, TILE_BYTES = 322, 323, 324, 325
KIND, SAMPLE_FORMAT, PROFILE = 254, 339, 34675
# What decodes the pixels or colours them: besides the above fill order, fax options, predictor,
# white point, primaries, palette, extra samples, JPEG tables, and the numbers of YCbCr.
_KEPT = frozenset((
    WIDTH, HEIGHT, BITS, COMPRESSION, COLOURS, 266, STRIPS, ORIENTATION, SAMPLES, ROWS, STRIP_BYTES,
    PLANES, 292, 293, 317, 318, 319, 320, TILE_WIDTH, TILE_HEIGHT, TILES, TILE_BYTES, 338,
    SAMPLE_FORMAT, 347, 529, 530, 531, 532, PROFILE,
))  # fmt: skip
_COMPRESSIONS = frozenset((1, 2, 3, 4, 5, 7, 8, 32773, 32946))  # to deflate, LZW and JPEG
_COLOURS = frozenset((0, 1, 2, 3, 5, 6))  # grey, RGB, palette, CMYK and YCbCr
_RAW_TAGS = frozenset((50706,))  # DNGVersion
_RAW_COLOURS = frozenset((32803, 34892))
_REDUCED = 1  # a thumbnail of another page
_MOST_SAMPLES = 5

Entry = tuple[int, int, bytes]  # type, count, value


@dataclass(frozen=True, slots=True)
class Page:
    """The first page: byte order, entries by tag, and the places (start, length) of its data."""

    order: str
    entries: dict[int, Entry]
    places: list[tuple[int, int]]

    def number(self, tag: int, default: int) -> int:
        """Return the first number of an entry."""
        return next(iter(self.numbers(tag)), default)

    def numbers(self, tag: int) -> tuple[int, ...]:
        """Return the numbers of an entry; none if it is missing or not of whole numbers."""
        kind, count, value = self.entries.get(tag, (0, 0, b""))
        if kind not in _NUMBERS:
            return ()
        return struct.unpack(f"{self.order}{count}{_NUMBERS[kind]}", value)


def recognises(data: bytes) -> bool:
    """Whether the file begins as a TIFF does."""
    return data[:4] in _ORDERS


def read(data: bytes) -> Header:
    """Return the header; it is `complete` if the file has all strips or tiles of the first page."""
    page = first_page(data)
    width, height = page.number(WIDTH, 0), page.number(HEIGHT, 0)
    _check(data, page)
    pixels, parts = _parts(page, width, height)
    if len(page.places) < parts:
        raise malformed(_NAME, f"its page has {len(page.places):,} parts; it needs {parts:,}")
    orientation = page.number(ORIENTATION, 1)
    complete = all(start + length <= len(data) for start, length in page.places)
    if complete and sum(length for _, length in page.places) > len(data):
        raise malformed(_NAME, "the parts of its page overlap")
    return Header(
        "image/tiff",
        width,
        height,
        orientation=orientation if 1 <= orientation <= 8 else 1,
        complete=complete,
        pixels=pixels,
    )


def strip(data: bytes) -> bytes:
    """Return a new file with the first page alone, and of its entries only those that its pixels
    and their colours need.
    """
    read(data).require_complete(_NAME)
    return write(data, first_page(data))


def first_page(data: bytes) -> Page:
    """Return the first page. Raises `image_truncated` if a part of its directory is missing."""
    if len(data) < 8:
        raise truncated(_NAME)
    order = _ORDERS[data[:4]]
    (start,) = struct.unpack_from(f"{order}I", data, 4)
    if start + 2 > len(data):
        raise truncated(_NAME)
    (count,) = struct.unpack_from(f"{order}H", data, start)
    if start + 2 + 12 * count > len(data):
        raise truncated(_NAME)
    if not 0 < count <= _MOST_ENTRIES:
        raise malformed(_NAME, f"its directory has {count:,} entries")
    entries: dict[int, Entry] = {}
    for n in range(count):
        tag, kind, length, place = struct.unpack_from(f"{order}HHII", data, start + 2 + 12 * n)
        size = _SIZES.get(kind, 0) * length
        place = place if size > 4 else start + 10 + 12 * n
        if tag in _KEPT and place + size > len(data):
            raise truncated(_NAME)
        if kind in _NUMBERS and length > _MOST_NUMBERS and tag in _KEPT - {PROFILE}:
            raise malformed(_NAME, f"its entry {tag} has {length:,} numbers")
        if tag in _KEPT or tag == KIND or tag in _RAW_TAGS:
            entries.setdefault(tag, (kind, length, data[place : place + size]))
    page = Page(order, entries, [])
    offsets, lengths = (STRIPS, STRIP_BYTES) if TILES not in entries else (TILES, TILE_BYTES)
    places = zip(page.numbers(offsets), page.numbers(lengths), strict=False)
    return Page(order, entries, list(places))


def _check(data: bytes, page: Page) -> None:
    """Raise UnsupportedMedia for a page of a kind that is not accepted."""
    colours, kind = page.number(COLOURS, 0), page.number(KIND, 0)
    what = ""
    is_raw = data[8:10] == b"CR" or colours in _RAW_COLOURS or _RAW_TAGS & page.entries.keys()
    if is_raw or kind & _REDUCED:
        what = "a camera's raw file"
    elif page.number(COMPRESSION, 1) not in _COMPRESSIONS:
        what = f"a TIFF of compression {page.number(COMPRESSION, 1)}"
    elif colours not in _COLOURS:
        what = f"a TIFF of photometric interpretation {colours}"
    elif set(page.numbers(SAMPLE_FORMAT)) - {1} or max(page.numbers(BITS), default=1) > 16:
        what = "a TIFF of numbers that are no shades of 1 to 16 bits"
    elif not 0 < page.number(SAMPLES, 1) <= _MOST_SAMPLES:
        what = f"a TIFF of {page.number(SAMPLES, 1)} values a pixel"
    if what:
        raise UnsupportedMedia(
            f"This is {what}; send a TIFF of 8 or 16 bits in grey, RGB, CMYK or YCbCr, or a JPEG.",
            code="image_format_not_allowed",
        )


def _parts(page: Page, width: int, height: int) -> tuple[int, int]:
    """(the pixels of all strips or tiles, how many of these there have to be)."""
    planes = page.number(SAMPLES, 1) if page.number(PLANES, 1) == 2 else 1
    if TILES not in page.entries:
        rows = min(page.number(ROWS, height) or height, height) or 1
        return width * height, -(-height // rows) * planes
    across, down = page.number(TILE_WIDTH, 0), page.number(TILE_HEIGHT, 0)
    if not (across and down):
        raise malformed(_NAME, "its tiles have no size")
    tiles = -(-width // across) * -(-height // down)
    return tiles * across * down, tiles * planes


def write(data: bytes, page: Page, without: frozenset[int] = frozenset()) -> bytes:
    """Return a file with the page of the file `data`, without some of its entries."""
    tiled = TILES in page.entries
    offsets, lengths = (TILES, TILE_BYTES) if tiled else (STRIPS, STRIP_BYTES)
    kept = {
        tag: entry
        for tag, entry in sorted(page.entries.items())
        if tag in _KEPT - without and entry[0] in _SIZES
    }
    if page.number(ORIENTATION, 1) not in range(2, 9):
        kept.pop(ORIENTATION, None)
    count = len(page.places)
    kept[lengths] = _longs(page.order, [length for _, length in page.places])
    kept[offsets] = _LONG, count, bytes(4 * count)
    values_at = 8 + 2 + 12 * len(kept) + 4
    starts, position = [], values_at + sum(_padded(value) for *_, value in kept.values())
    for _, length in page.places:
        starts.append(position)
        position += length + length % 2
    kept[offsets] = _longs(page.order, starts)
    head = {"<": b"II*\0", ">": b"MM\0*"}[page.order] + struct.pack(f"{page.order}I", 8)
    parts = [head, struct.pack(f"{page.order}H", len(kept))]
    values: list[bytes] = []
    for tag, (kind, length, value) in sorted(kept.items()):
        place = value.ljust(4, b"\0")
        if len(value) > 4:
            place = struct.pack(f"{page.order}I", values_at)
            values.append(value.ljust(_padded(value), b"\0"))
            values_at += _padded(value)
        parts.append(struct.pack(f"{page.order}HHI", tag, kind, length) + place)
    blocks = [data[start : start + length] + b"\0" * (length % 2) for start, length in page.places]
    return b"".join((*parts, bytes(4), *values, *blocks))


def _longs(order: str, numbers: list[int]) -> Entry:
    return _LONG, len(numbers), struct.pack(f"{order}{len(numbers)}I", *numbers)


def _padded(value: bytes) -> int:
    """Bytes that a value takes outside the directory."""
    return len(value) + len(value) % 2 if len(value) > 4 else 0
