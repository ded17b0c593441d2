"""What every format's reader gives back, and the two ways in which a file can be broken."""

from dataclasses import dataclass
from typing import Protocol

from common.errors import InputFault


@dataclass(frozen=True, slots=True)
class Header:
    """What an image file says of itself, before any pixel is decoded.

    `width` and `height` are pixels as stored, `frames` counts the pictures of an animation (1 for
    a still image), `orientation` is the EXIF value 1 to 8 (1 is upright). `complete` is False when
    the file stops before its own end: the size is then known, the picture is not all there.
    """

    media_type: str
    width: int
    height: int
    frames: int = 1
    orientation: int = 1
    complete: bool = True

    @property
    def upright_size(self) -> tuple[int, int]:
        """(width, height) in pixels once the orientation is applied."""
        if self.orientation >= 5:
            return self.height, self.width
        return self.width, self.height


class Format(Protocol):
    """What a format's module offers. Offsets are bytes from the start of the file."""

    def recognises(self, data: bytes) -> bool:
        """Whether the first bytes are this format's."""

    def read(self, data: bytes) -> Header:
        """The header; raises `image_truncated` when the size is not there, `image_malformed`."""

    def strip(self, data: bytes) -> bytes:
        """The same picture less metadata and trailer, its orientation kept; equal when clean."""


def truncated(name: str) -> InputFault:
    """The file of format `name` ends too early."""
    return InputFault(f"The {name} file is cut short: its end is missing.", code="image_truncated")


def malformed(name: str, what: str) -> InputFault:
    """The structure of the file of format `name` contradicts itself; `what` says where."""
    return InputFault(f"The {name} file is broken: {what}.", code="image_malformed")


def most_chunks(data: bytes) -> int:
    """How many chunks a file of this size may have: far more than encoders write, few enough that a
    file of nothing but empty chunks costs milliseconds.
    """
    return 4096 + len(data) // 512
