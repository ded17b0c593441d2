"""Boxes of ISO base media files, and the numbers in them (ISO/IEC 14496-12, section 4)."""

from typing import NamedTuple

from common.images.formats.header import malformed, most_chunks

NAME = "HEIC or AVIF"


class Box(NamedTuple):
    """A box: its type, and where its payload starts and ends, in bytes from the file's start."""

    kind: bytes
    start: int
    end: int


class Reader:
    """Reads big-endian numbers between two offsets; raises `image_malformed` past the second."""

    def __init__(self, data: bytes, start: int, end: int):
        self._data, self._position, self._end = data, start, end

    def number(self, size: int) -> int:
        """Return the next unsigned number of `size` bytes; one of no bytes is 0."""
        return int.from_bytes(self.take(size), "big")

    def signed(self, size: int) -> int:
        """Return the next signed number of `size` bytes."""
        return int.from_bytes(self.take(size), "big", signed=True)

    def take(self, size: int) -> bytes:
        """Return the next `size` bytes."""
        start, self._position = self._position, self._position + size
        if self._position > self._end:
            raise malformed(NAME, f"a box ends too early, at byte {self._end:,}")
        return self._data[start : self._position]

    def full_box(self) -> tuple[int, int]:
        """Return the version and the flags with which a FullBox begins."""
        return self.number(1), self.number(3)


def reader(data: bytes, box: Box) -> Reader:
    """Return a reader of the box's payload."""
    return Reader(data, box.start, box.end)


def top_level(data: bytes) -> list[Box]:
    """Return the boxes of the file. The last one may end beyond the file; what is no box, such as
    bytes appended to the file, ends the list.
    """
    found: list[Box] = []
    position = 0
    for _ in range(most_chunks(data)):
        box = _box(data, position, len(data))
        if box is None:
            return found
        found.append(box)
        position = box.end
        if position >= len(data):
            return found
    raise malformed(NAME, "it has too many boxes")


def children(data: bytes, start: int, end: int, most: int) -> list[Box]:
    """Return the boxes between two offsets, at most `most`; each must end there or before."""
    found: list[Box] = []
    position = start
    while position < end:
        box = _box(data, position, end)
        if box is None or box.end > end:
            raise malformed(NAME, f"the box at byte {position:,} does not fit")
        if len(found) == most:
            raise malformed(NAME, f"a box holds more than {most:,} others")
        found.append(box)
        position = box.end
    return found


def _box(data: bytes, position: int, limit: int) -> Box | None:
    """The box at an offset; None if there is no room for its header, or its size is impossible."""
    if position + 8 > limit:
        return None
    size, kind = (
        int.from_bytes(data[position : position + 4], "big"),
        data[position + 4 : position + 8],
    )
    header = 8
    if size == 0:  # the rest of the file
        return Box(kind, position + 8, limit)
    if size == 1:
        if position + 16 > limit:
            return None
        size, header = int.from_bytes(data[position + 8 : position + 16], "big"), 16
    return Box(kind, position + header, position + size) if size >= header else None
