"""The header that each format's module returns, and the errors for truncated and broken files."""

from dataclasses import dataclass, field
from typing import Protocol

from common.errors import InputFault


@dataclass(frozen=True, slots=True)
class Header:
    """The properties of an image file that can be read without decoding pixels.

    `width` and `height` are pixels as stored, `frames` counts the frames of an animation (1 for a
    still image), `orientation` is the EXIF value 1 to 8 (1 is upright). `complete` is False if the
    file is truncated after its size. `decodes_by_rows` is True if a decoder needs memory for a few
    rows at a time, and False if it may need it for all pixels. `pixels` is how many a decoder has
    to handle: more than width x height if the picture is cropped, or cut into tiles that are not
    shown whole.
    """

    media_type: str
    width: int
    height: int
    frames: int = 1
    orientation: int = 1
    complete: bool = True
    decodes_by_rows: bool = field(default=False, compare=False)
    pixels: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "pixels", max(self.pixels, self.width * self.height))

    @property
    def upright_size(self) -> tuple[int, int]:
        """(width, height) in pixels after the orientation is applied."""
        if self.orientation >= 5:
            return self.height, self.width
        return self.width, self.height

    def require_complete(self, name: str) -> None:
        """Raise `image_truncated`, for a file of the format `name`, unless it is complete."""
        if not self.complete:
            raise truncated(name)


class Format(Protocol):
    """The functions of a format's module. Offsets are bytes from the start of the file."""

    def recognises(self, data: bytes) -> bool:
        """Whether the file begins with this format's signature."""

    def read(self, data: bytes) -> Header:
        """Return the header; raises `image_truncated` if it has no size, or `image_malformed`."""

    def strip(self, data: bytes) -> bytes:
        """Return the file without metadata and trailer, but with its orientation."""


def truncated(name: str) -> InputFault:
    """Return the error for a truncated file of the format `name`."""
    return InputFault(f"The {name} file is cut short: its end is missing.", code="image_truncated")


def too_many_pixels(header: Header, most: int) -> InputFault:
    """Return the error for an image of more than `most` pixels."""
    has_more = header.pixels > header.width * header.height
    stored = f" and is stored as {header.pixels:,}" if has_more else ""
    return InputFault(
        f"The image has {header.width:,} x {header.height:,} pixels{stored}; at most {most:,} are "
        "allowed.",
        code="image_too_many_pixels",
    )


def malformed(name: str, what: str) -> InputFault:
    """Return the error for a broken file of the format `name`; `what` describes the fault."""
    return InputFault(f"The {name} file is broken: {what}.", code="image_malformed")


def most_chunks(data: bytes) -> int:
    """Return how many chunks a file of this size may have: far more than encoders write, but so few
    that a file of empty chunks takes only milliseconds.
    """
    return 4096 + len(data) // 512
