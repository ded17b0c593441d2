"""Photographs made from a few real ones, by seed: cropped, turned, coloured, scaled, encoded."""

import random
from collections.abc import Sequence

from PIL import Image, ImageEnhance, ImageOps

from tests.support.images.pictures import encode, exif

TURNS = [*Image.Transpose][:5]


def make(originals: Sequence[Image.Image], seed: int, megapixels: float) -> bytes:
    """A JPEG: baseline or progressive, any subsampling, quality 40 to 95, any orientation."""
    chance = random.Random(seed)
    image = _cropped(originals[seed % len(originals)], chance)
    if chance.random() < 0.5:
        image = image.rotate(chance.uniform(-10, 10), Image.Resampling.BILINEAR)
    if chance.random() < 0.3:
        image = image.transpose(chance.choice(TURNS))
    enhance = chance.choice([ImageEnhance.Brightness, ImageEnhance.Contrast, ImageEnhance.Color])
    image = enhance(image).enhance(chance.uniform(0.7, 1.3))
    scale = (megapixels * 1e6 / (image.width * image.height)) ** 0.5
    image = ImageOps.scale(image, scale, Image.Resampling.BICUBIC)
    return encode(
        image,
        "JPEG",
        quality=chance.randint(40, 95),
        subsampling=chance.choice([0, 1, 2, 2]),
        progressive=chance.random() < 0.25,
        exif=exif(chance.choice([None, *range(1, 9)])),
    )


def _cropped(image: Image.Image, chance: random.Random) -> Image.Image:
    """Three quarters of each side or more."""
    width, height = (round(side * chance.uniform(0.75, 1)) for side in image.size)
    left, top = chance.randint(0, image.width - width), chance.randint(0, image.height - height)
    return image.crop((left, top, left + width, top + height))
