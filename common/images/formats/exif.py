"""The orientation in EXIF: reading it, and writing a TIFF with this tag only.

The rules are those of browsers, so that an image is rotated here exactly when browsers rotate it:
the first entry of the first directory counts, it must be one SHORT, and XMP packets and text chunks
are ignored.
"""

import struct

IDENTIFIER = b"Exif\0\0"

_ORIENTATION, _SHORT = 0x0112, 3
_BYTE_ORDERS = {b"II*\0": "<", b"MM\0*": ">"}


def orientation(tiff: bytes) -> int:
    """Return the orientation, 1 to 8, of a TIFF without EXIF's identifier; 1 if it is missing or
    invalid. Other entries may be broken.
    """
    order = _BYTE_ORDERS.get(tiff[:4])
    if order is None or len(tiff) < 8:
        return 1
    start = struct.unpack_from(f"{order}I", tiff, 4)[0] + 2
    if start > len(tiff):
        return 1
    (count,) = struct.unpack_from(f"{order}H", tiff, start - 2)
    count = min(count, (len(tiff) - start) // 12)
    for tag, kind, length, value in struct.iter_unpack(
        f"{order}HHI4s", tiff[start : start + 12 * count]
    ):
        if tag == _ORIENTATION:
            return _checked(order, kind, length, value)
    return 1


def _checked(order: str, kind: int, length: int, value: bytes) -> int:
    if length != 1 or kind != _SHORT:
        return 1
    number: int = struct.unpack_from(f"{order}H", value)[0]
    return number if 1 <= number <= 8 else 1


def minimal(value: int) -> bytes:
    """Return a TIFF of 26 bytes, with one directory that holds only the orientation."""
    entry = struct.pack(">HHIHH", _ORIENTATION, _SHORT, 1, value, 0)
    return b"MM\0*" + struct.pack(">IH", 8, 1) + entry + bytes(4)
