"""Pictures that are made of other pictures: grids of tiles, overlays (ISO/IEC 23008-12, 6.6.2)."""

from common.images.formats.header import malformed
from common.images.formats.iso_media.boxes import NAME, Reader
from common.images.formats.iso_media.geometry import stored_size
from common.images.formats.iso_media.tables import Item

GRID, OVERLAY, SAME = b"grid", b"iovl", b"iden"


def check_derived(item: Item, content: bytes, inputs: list[Item]) -> None:
    """Compare the size and the inputs that a derived picture announces with its items; `content` is
    empty if it is missing in the file. Raises `image_malformed`.
    """
    if not inputs:
        raise malformed(NAME, "a picture in it is made of no others")
    if item.kind == SAME or not content:
        return
    fields = Reader(content, 0, len(content))
    fields.number(1)
    size = 4 if fields.number(1) & 1 else 2
    if item.kind == OVERLAY:
        fields.take(4 * 2)  # the colour behind the pictures
        _check_size(item, fields, size)
        fields.take(2 * size * len(inputs))  # where they are
        return
    rows, columns = fields.number(1) + 1, fields.number(1) + 1
    width, height = _check_size(item, fields, size)
    if rows * columns != len(inputs):
        raise malformed(NAME, f"its grid has {rows} x {columns} places for {len(inputs):,} tiles")
    across, down = stored_size(inputs[0])
    if across * columns < width or down * rows < height:
        raise malformed(NAME, "its tiles do not fill its grid")


def _check_size(item: Item, fields: Reader, size: int) -> tuple[int, int]:
    given = fields.number(size), fields.number(size)
    if given != stored_size(item):
        raise malformed(NAME, "it gives two sizes of one picture")
    return given
