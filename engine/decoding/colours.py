"""What stored values mean: colours by their profile, transparency on white, always 8 bits."""

from collections.abc import Callable
from io import BytesIO

import numpy as np
from PIL import Image, ImageCms

_GREY_MODES = frozenset(("1", "L", "LA", "I", "I;16", "I;16B", "I;16L"))
_BROKEN = (ImageCms.PyCMSError, OSError, ValueError, TypeError)  # what a broken profile raises
_SPACES = {"RGB": "RGB", "GRAY": "L", "CMYK": "CMYK"}  # of a profile, and Pillow's mode for it

Convert = Callable[[Image.Image], Image.Image]


def to_srgb(profile: bytes, mode: str) -> Convert | None:
    """What converts opaque pixels of an image stored in Pillow's `mode` to sRGB, in mode RGB; None
    where the profile is absent, broken or of a colour space that the pixels are not in.
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


def to_8_bits(image: Image.Image) -> Image.Image:
    """Grey values of 16 bits by their upper 8; Pillow's own conversion cuts all above 255 off."""
    if not image.mode.startswith("I"):
        return image
    return Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))


def with_alpha(image: Image.Image) -> Image.Image:
    """In mode LA or RGBA where anything may be transparent, else as it is."""
    if image.mode in ("RGBA", "LA") or not image.has_transparency_data:
        return image
    return image.convert("RGBA")


def on_white(image: Image.Image, convert: Convert | None) -> Image.Image:
    """The image in mode RGB, its colours converted, laid on white where it is transparent."""
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
