"""Pictures with faces at known places, made from the photograph of Grace Hopper."""

from collections.abc import Sequence

from PIL import Image

PORTRAIT = "grace_hopper.bmp"
FACE = (172, 115, 350, 335)  # left, top, right, bottom in the portrait


def composed(portrait: Image.Image, widths: Sequence[int], size: tuple[int, int]) -> Image.Image:
    """Return a gray picture of that size with the portrait once per width of its face, from left
    to right and in rows.
    """
    canvas = Image.new("RGB", size, (120, 130, 140))
    left = top = bottom = 0
    for width in widths:
        scale = width / (FACE[2] - FACE[0])
        copy = portrait.resize((round(portrait.width * scale), round(portrait.height * scale)))
        if left + copy.width > size[0]:
            left, top = 0, bottom
        canvas.paste(copy, (left, top))
        left, bottom = left + copy.width, max(bottom, top + copy.height)
    return canvas
