"""GIF: size, frames and end found by walking the blocks (GIF89a specification)."""

from common.images.formats.header import Header, malformed, most_chunks, truncated

_NAME = "GIF"
IMAGE, _TRAILER, EXTENSION = 0x2C, 0x3B, 0x21
CONTROL, _PLAIN_TEXT, _APPLICATION = 0xF9, 0x01, 0xFF
# How often an animation repeats, and the colours it means. Other application blocks (XMP among
# them) and comments are metadata.
_KEPT_APPLICATIONS = (b"NETSCAPE2.0", b"ANIMEXTS1.0", b"ICCRGBG1012")
_TOO_MANY = "it is cut into an absurd number of blocks"

Block = tuple[int, int, int]


def recognises(data: bytes) -> bool:
    """Whether the first bytes are a GIF's."""
    return data.startswith((b"GIF87a", b"GIF89a"))


def read(data: bytes) -> Header:
    """The header. `complete` means that no block is cut. Some encoders forget the trailer: as
    browsers and Pillow do, a GIF that ends between two blocks is taken for whole, and, as browsers
    do, junk after a frame for its end.

    The first frame stretches a screen that is too small for it, as in Pillow.
    """
    walked, end = blocks(data)
    images = [start for introducer, start, _ in walked if introducer == IMAGE]
    complete = end <= len(data)
    if complete and not images:
        if end == len(data):
            raise truncated(_NAME)
        raise malformed(_NAME, "it ends before any picture data")
    width, height = pair(data, 6)
    if images:
        left, top = pair(data, images[0] + 1)
        across, down = pair(data, images[0] + 5)
        width, height = max(width, left + across), max(height, top + down)
    if not images and not (width and height):
        raise truncated(_NAME)  # the size is in the first frame
    return Header("image/gif", width, height, max(1, len(images)), 1, complete)


def strip(data: bytes) -> bytes:
    """Return the file without comments, XMP, unknown application blocks and bytes after its end."""
    walked, end = blocks(data)
    read(data).require_complete(_NAME)
    view = memoryview(data)
    kept = [view[start:stop] for _, start, stop in walked if _is_kept(data, start)]
    trailer = bytes([_TRAILER]) if end < len(data) else b""
    return b"".join((view[: first_block(data)], *kept, trailer))


def first_block(data: bytes) -> int:
    """Return the offset of the first block after the header and the global colour table."""
    if len(data) < 13:
        raise truncated(_NAME)
    return 13 + _palette_size(data[10])


def _palette_size(flags: int) -> int:
    """Bytes of the colour table that the flags of a screen or image descriptor announce."""
    return 3 << (flags & 7) + 1 if flags & 0x80 else 0


def blocks(data: bytes) -> tuple[list[Block], int]:
    """(the whole blocks as (introducer, start, end), where they end).

    That end is past the data's when a block is cut.
    """
    walked: list[Block] = []
    position = first_block(data)
    left = 4096 + len(data) // 32  # sub-blocks; encoders fill them to 255 bytes
    try:
        for _ in range(most_chunks(data)):
            introducer = data[position] if position != len(data) else _TRAILER
            if introducer not in (IMAGE, EXTENSION):
                return walked, position
            start = position
            position += 2
            if introducer == IMAGE:
                position += 9 + _palette_size(data[start + 9])
            position, left = _after_sub_blocks(data, position, left)
            walked.append((introducer, start, position))
    except IndexError:
        return walked, len(data) + 1
    raise malformed(_NAME, _TOO_MANY)


def _after_sub_blocks(data: bytes, position: int, left: int) -> tuple[int, int]:
    """(the offset after a chain of sub-blocks, how many more may come); IndexError when cut."""
    for remaining in range(left, 0, -1):
        size = data[position]
        position += size + 1
        if not size:
            return position, remaining - 1
    raise malformed(_NAME, _TOO_MANY)


def _is_kept(data: bytes, start: int) -> bool:
    if data[start] == IMAGE:
        return True
    label = data[start + 1]
    if label == _APPLICATION:
        return data[start + 3 : start + 14] in _KEPT_APPLICATIONS
    return label in (CONTROL, _PLAIN_TEXT)


def pair(data: bytes, offset: int) -> tuple[int, int]:
    """The two 16-bit numbers at an offset."""
    first = int.from_bytes(data[offset : offset + 2], "little")
    return first, int.from_bytes(data[offset + 2 : offset + 4], "little")
