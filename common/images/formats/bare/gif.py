"""GIF: the first frame alone, on a screen of its own size."""

import struct

from common.images.formats.bare.pixels import BarePixels
from common.images.formats.gif import CONTROL, EXTENSION, IMAGE, Block, blocks, first_block, pair
from common.images.formats.header import malformed

_CONTROL_BYTES = 8  # introducer, label, length, four bytes, terminator
_TRAILER = b";"


def bare(data: bytes) -> BarePixels:
    """The first frame; what it leaves of the canvas is transparent, whatever the background."""
    walked, _ = blocks(data)
    number = next((n for n, block in enumerate(walked) if block[0] == IMAGE), None)
    if number is None:
        raise malformed("GIF", "it ends before any picture data")
    _, start, end = walked[number]
    (left, top), size = pair(data, start + 1), pair(data, start + 5)
    screen = pair(data, 6)
    palette = first_block(data)
    file = b"".join((
        b"GIF89a", struct.pack("<HH", *size), data[10:palette],
        _control(data, walked[:number]),
        data[start : start + 1], bytes(4), data[start + 5 : end], _TRAILER,
    ))  # fmt: skip
    canvas = max(screen[0], left + size[0]), max(screen[1], top + size[1])
    return BarePixels(file, canvas=None if canvas == size else canvas, place=(left, top))


def _control(data: bytes, before: list[Block]) -> bytes:
    """The graphic control extension of the frame: the last whole one `before` it."""
    for introducer, start, end in reversed(before):
        is_control = introducer == EXTENSION and data[start + 1] == CONTROL
        if is_control and data[start + 2] == 4 and end - start == _CONTROL_BYTES:
            return data[start:end]
    return b""
