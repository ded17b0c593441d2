"""EXIF and XMP, as far as the orientation goes: reading that one number, writing it back alone."""

import re
import struct

IDENTIFIER = b"Exif\0\0"

_ORIENTATION, _SHORT, _LONG = 0x0112, 3, 4
_XMP_ORIENTATION = re.compile(rb'tiff:Orientation(?:="|>)([0-9])')


def orientation(tiff: bytes, xmp: bytes = b"") -> int:
    """The orientation, 1 to 8, of an EXIF block (a TIFF, with or without its "Exif" identifier).

    As in Pillow's `exif_transpose`, the XMP packet answers when the EXIF block has no such tag, and
    whatever is out of the ordinary is 1. Other tags may be broken: Pillow would stop reading there.
    """
    value = _from_tiff(tiff)
    if value is None and (found := _XMP_ORIENTATION.search(xmp)):
        value = int(found[1])
    return value if value is not None and 1 <= value <= 8 else 1


def _from_tiff(blob: bytes) -> int | None:
    """The first directory's Orientation: None without one, 0 when it cannot be used."""
    tiff = blob.removeprefix(IDENTIFIER).removeprefix(IDENTIFIER)
    if not tiff:
        return None
    order = {b"II": "<", b"MM": ">"}.get(tiff[:2])
    if order is None or tiff[2:4] not in (b"*\0", b"\0*") or len(tiff) < 8:
        return 0
    start = struct.unpack_from(f"{order}I", tiff, 4)[0] + 2
    if start > len(tiff):
        return None
    (count,) = struct.unpack_from(f"{order}H", tiff, start - 2)
    count = min(count, (len(tiff) - start) // 12)
    for tag, kind, length, value in struct.iter_unpack(
        f"{order}HHI4s", tiff[start : start + 12 * count]
    ):
        if tag == _ORIENTATION:
            return _number(order, kind, length, value)
    return None


def _number(order: str, kind: int, length: int, value: bytes) -> int:
    if length != 1 or kind not in (_SHORT, _LONG):
        return 0
    number: int = struct.unpack_from(order + ("H" if kind == _SHORT else "I"), value)[0]
    return number


def minimal(value: int) -> bytes:
    """A TIFF of one directory that holds the orientation and nothing else: 26 bytes."""
    entry = struct.pack(">HHIHH", _ORIENTATION, _SHORT, 1, value, 0)
    return b"MM\0*" + struct.pack(">IH", 8, 1) + entry + bytes(4)
