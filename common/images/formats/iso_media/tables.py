"""The tables of a `meta` box: the items of a file, the places of their bytes, and their properties.

Every count is compared with a limit before anything is read, and nothing is allocated for it.
"""

from dataclasses import dataclass, field
from typing import NamedTuple

from common.images.formats.header import malformed
from common.images.formats.iso_media.boxes import NAME, Box, Reader, children, reader

# Phones write 50 to 100 items with one extent each, and a dozen properties.
MOST_ITEMS, MOST_PROPERTIES = 4096, 4096
_MOST_EXTENTS, _MOST_ASSOCIATIONS, _MOST_REFERENCES = 16_384, 32_768, 32_768
_MOST_BOXES = 64  # within `meta` and `iprp`
_IN_FILE, _IN_META = 0, 1  # where an item's bytes are: its construction method

Extent = tuple[int, int]  # start and end, in bytes from the file's start


class Property(NamedTuple):
    """A property box: its type, its payload, and whether a reader must understand it."""

    kind: bytes
    payload: bytes
    is_essential: bool = False


class Reference(NamedTuple):
    """A reference of some type from an item to others, by their ids."""

    kind: bytes
    source: int
    targets: tuple[int, ...]


@dataclass(slots=True)
class Item:
    """An item: its type, the places of its bytes, and its properties in their order."""

    kind: bytes
    is_protected: bool = False
    is_elsewhere: bool = False  # in another file or within another item
    extents: list[Extent] = field(default_factory=list)
    properties: list[Property] = field(default_factory=list)

    def content(self, data: bytes) -> bytes:
        """Return the item's bytes from the file's `data`."""
        return b"".join([data[start:end] for start, end in self.extents])

    def first(self, kind: bytes) -> bytes | None:
        """Return the payload of the item's first property of this type."""
        return next((each.payload for each in self.properties if each.kind == kind), None)


@dataclass(slots=True)
class Tables:
    """All tables: the primary item's id, the items by id, and the references between them."""

    primary: int
    items: dict[int, Item]
    references: list[Reference]


def read_tables(data: bytes, meta: Box) -> Tables:
    """Return the tables of a `meta` box. Raises `image_malformed` for a missing or broken one."""
    boxes: dict[bytes, Box] = {}
    for box in children(data, meta.start + 4, meta.end, _MOST_BOXES):
        boxes.setdefault(box.kind, box)
    for kind in (b"pitm", b"iinf", b"iloc", b"iprp"):
        if kind not in boxes:
            raise malformed(NAME, f"it has no box {kind.decode()}")
    fields = reader(data, boxes[b"pitm"])
    version, _ = fields.full_box()
    primary = fields.number(2 if version == 0 else 4)
    items = _items(data, boxes[b"iinf"])
    _locate(data, boxes[b"iloc"], boxes.get(b"idat"), items)
    _describe(data, boxes[b"iprp"], items)
    references = _references(data, boxes[b"iref"]) if b"iref" in boxes else []
    return Tables(primary, items, references)


def _items(data: bytes, box: Box) -> dict[int, Item]:
    fields = reader(data, box)
    version, _ = fields.full_box()
    size = 2 if version == 0 else 4
    _limit(fields.number(size), MOST_ITEMS, "items")
    items: dict[int, Item] = {}
    for entry in children(data, box.start + 4 + size, box.end, MOST_ITEMS):
        fields = reader(data, entry)
        version, _ = fields.full_box()
        if entry.kind != b"infe" or version not in (2, 3):
            continue  # older entries have no type of item
        id = fields.number(2 if version == 2 else 4)
        is_protected = fields.number(2) != 0
        items.setdefault(id, Item(fields.take(4), is_protected))
    return items


def _locate(data: bytes, box: Box, idat: Box | None, items: dict[int, Item]) -> None:
    """Read the extents of all items."""
    fields = reader(data, box)
    version, _ = fields.full_box()
    if version > 2:
        raise malformed(NAME, f"there is no iloc of version {version}")
    sizes = fields.number(2)
    offset_size, length_size, base_size, index_size = (sizes >> bits & 15 for bits in (12, 8, 4, 0))
    index_size = index_size if version else 0
    left = _MOST_EXTENTS
    id_size = 4 if version == 2 else 2
    for _ in range(_limit(fields.number(id_size), MOST_ITEMS, "items")):
        item = items.get(fields.number(id_size), Item(b""))
        method = fields.number(2) & 15 if version else _IN_FILE
        item.is_elsewhere = fields.number(2) != 0 or method > _IN_META
        base = fields.number(base_size)
        if method == _IN_META:
            base += idat.start if idat else 0
            item.is_elsewhere |= idat is None
        count = fields.number(2)
        left = _limit(left - count, left, "extents")
        extents = _extents(fields, count, base, (index_size, offset_size, length_size))
        if method == _IN_META and idat and any(end > idat.end for _, end in extents):
            raise malformed(NAME, "an item reaches beyond the box idat")
        item.extents = item.extents or extents


def _extents(fields: Reader, count: int, base: int, sizes: tuple[int, int, int]) -> list[Extent]:
    extents = []
    for _ in range(count):
        _, offset, length = (fields.number(size) for size in sizes)
        extents.append((base + offset, base + offset + length))
    return extents


def _describe(data: bytes, box: Box, items: dict[int, Item]) -> None:
    """Read the properties, and give each item its own."""
    parts = children(data, box.start, box.end, _MOST_BOXES)
    container = next((part for part in parts if part.kind == b"ipco"), None)
    if container is None:
        raise malformed(NAME, "it has no box ipco")
    boxes = children(data, container.start, container.end, MOST_PROPERTIES)
    # Items share a payload: one of megabytes may describe thousands of them.
    properties = [(kind, data[start:end]) for kind, start, end in boxes]
    left = _MOST_ASSOCIATIONS
    for part in parts:
        if part.kind != b"ipma":
            continue
        fields = reader(data, part)
        version, flags = fields.full_box()
        size = 2 if flags & 1 else 1
        top = 1 << 8 * size - 1  # the bit that marks an essential property
        for _ in range(_limit(fields.number(4), MOST_ITEMS, "items")):
            item = items.get(fields.number(2 if version == 0 else 4), Item(b""))
            count = fields.number(1)
            left = _limit(left - count, left, "properties of items")
            for value in [fields.number(size) for _ in range(count)]:
                index = value & top - 1
                if not 0 < index <= len(properties):
                    continue
                item.properties.append(Property(*properties[index - 1], bool(value & top)))


def _references(data: bytes, box: Box) -> list[Reference]:
    fields = reader(data, box)
    version, _ = fields.full_box()
    size = 2 if version == 0 else 4
    found = []
    left = _MOST_REFERENCES
    for entry in children(data, box.start + 4, box.end, MOST_ITEMS):
        fields = reader(data, entry)
        source, count = fields.number(size), fields.number(2)
        left = _limit(left - count, left, "references")
        targets = tuple(fields.number(size) for _ in range(count))
        found.append(Reference(entry.kind, source, targets))
    return found


def _limit(number: int, most: int, what: str) -> int:
    """Return the number if it is between 0 and `most`."""
    if not 0 <= number <= most:
        raise malformed(NAME, f"it claims more {what} than are accepted")
    return number
