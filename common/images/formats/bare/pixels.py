"""The result of each format's module."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class BarePixels:
    """An image file without metadata, and the properties that define the meaning of its pixels.

    `profile` is an ICC profile that may be broken or for another colour space, empty for sRGB.
    `depth` is the number of bits of a stored value, where the format's module reads it;
    `transparent` is the one colour that is transparent, its values in this depth. `canvas` is the
    size of the whole image where the file holds only a part of it, whose upper left corner is at
    `place` (x, y); `crop` is the part (left, top, right, bottom) of the picture that is shown, if
    not all of it.
    """

    data: bytes
    profile: bytes = b""
    transparent: tuple[int, ...] = ()
    depth: int = 8
    canvas: tuple[int, int] | None = None
    place: tuple[int, int] = (0, 0)
    crop: tuple[int, int, int, int] | None = None
