"""Render a decoded picture as it is displayed, reduced, in strips, without a second copy of it."""

from collections.abc import Iterator

from PIL import Image

from common.images.formats.bare import BarePixels
from engine.decoding.colour_key import Box, opacity
from engine.decoding.colours import on_white, to_8_bits, to_srgb, with_alpha

_STRIP = 1 << 20  # pixels


def render(image: Image.Image, bare: BarePixels, factor: int) -> Image.Image:
    """Return the loaded `image` in sRGB, on white, in mode RGB, at 1/factor of its size.

    Each pixel is the mean of factor x factor pixels, weighted by their alpha. `bare` is what the
    image was decoded from.
    """
    is_plain = image.mode == "RGB" and not (bare.profile or bare.transparent or bare.canvas)
    if is_plain:
        return image if factor == 1 else image.reduce(factor)
    if bare.canvas:
        whole = Image.new("RGB", bare.canvas, "white")
        _draw(image, bare, 1, whole, bare.place)
        return whole if factor == 1 else whole.reduce(factor)
    size = -(-image.width // factor), -(-image.height // factor)
    reduced = Image.new("RGB", size)
    _draw(image, bare, factor, reduced, (0, 0))
    return reduced


def _draw(
    image: Image.Image, bare: BarePixels, factor: int, onto: Image.Image, place: tuple[int, int]
) -> None:
    convert = to_srgb(bare.profile, image.mode)
    mask = opacity(bare)
    left, top = place
    for box in _strips(image.size, factor):
        stored = image.crop(box)
        part = to_8_bits(stored, bare.depth)
        if mask:
            part = part.convert("RGB")
            part.putalpha(mask(stored, box))
        part = with_alpha(part)
        if factor > 1:
            part = _plain(part).reduce(factor)
        onto.paste(on_white(part, convert), (left, top + box[1] // factor))


def _plain(part: Image.Image) -> Image.Image:
    """Return the part in a mode whose values can be averaged."""
    return part.convert("RGB") if part.mode in ("P", "1") else part


def _strips(size: tuple[int, int], factor: int) -> Iterator[Box]:
    width, height = size
    rows = max(1, _STRIP // width // factor) * factor
    for top in range(0, height, rows):
        yield 0, top, width, min(height, top + rows)
