"""Convert stored values: colors by their profile, transparency on white, always to 8 bits."""

from collections.abc import Callable
from io import BytesIO

import numpy as np
from PIL import Image, ImageCms

_GREY_MODES = frozenset(("1", "L", "LA", "I", "I;16", "I;16B", "I;16L"))
_BROKEN = (
    ImageCms.PyCMSError,
    OSError,
    ValueError,
    TypeError,
)  # errors raised for a broken profile
_SPACES = {
    "RGB": "RGB",
    "GRAY": "L",
    "CMYK": "CMYK",
}  # the color space of a profile: Pillow's mode for it

Convert = Callable[[Image.Image], Image.Image]


def to_srgb(profile: bytes, mode: str) -> Convert | None:
    """Return a function that converts opaque pixels stored in Pillow's `mode` to sRGB, in mode RGB.

    None if there is no profile, or if it is broken or of a color space other than that of the
    pixels.
    """
    if not profile:
        return None
    try:
        source = ImageCms.ImageCmsProfile(BytesIO(profile))
        needed = _SPACES.get(source.profile.xcolor_space.strip())
        if needed is None or not _can_be(mode, needed):
            return None
        target = ImageCms.createProfile("sRGB")
        transform = ImageCms.buildTransform(source, target, needed, "RGB")
    except _BROKEN:
        return None
    return lambda image: ImageCms.applyTransform(_in_mode(image, needed), transform) or image


def _can_be(mode: str, needed: str) -> bool:
    if needed == "RGB":
        return mode != "CMYK"
    return mode == needed or (needed == "L" and mode in _GREY_MODES)


def _in_mode(image: Image.Image, mode: str) -> Image.Image:
    return image if image.mode == mode else image.convert(mode)


def to_8_bits(image: Image.Image, depth: int) -> Image.Image:
    """Return gray values of `depth` bits, or of 16 if it is 8 or less, as their upper 8 bits;
    Pillow's own conversion clips all values above 255.
    """
    if not image.mode.startswith("I"):
        return image
    surplus = depth - 8 if depth > 8 else 8
    return Image.fromarray((np.asarray(image) >> surplus).astype(np.uint8))


def with_alpha(image: Image.Image) -> Image.Image:
    """Return the image in mode LA or RGBA if it has transparency, else unchanged."""
    if image.mode in ("RGBA", "LA") or not image.has_transparency_data:
        return image
    return image.convert("RGBA")


def on_white(image: Image.Image, convert: Convert | None) -> Image.Image:
    """Return the image in mode RGB, with converted colors, on a white background."""
    alpha = image.getchannel("A") if image.mode in ("RGBA", "LA") else None
    if convert:
        colours = convert(image.convert("L") if image.mode == "LA" else image)
    else:
        colours = _in_mode(image, "RGB")
    if alpha is None:
        return colours
    white = Image.new("RGB", image.size, "white")
    white.paste(colours, mask=alpha)
    return white
