"""Copies of photographs as people make them: encoded anew, resized, cropped a little."""

from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from random import Random

from PIL import Image, ImageOps

Maker = Callable[[Image.Image, Random], tuple[Image.Image, int]]  # the picture, and its quality

RECODED, SCALED, CROPPED, MIXED = "encoded anew", "scaled", "cropped", "cropped and scaled"


def write_copies(photograph: Path, folder: Path, seed: int) -> dict[str, Path]:
    """Write one copy of each kind to the folder; return their files by kind. A copy differs with
    the seed and the name of the photograph.
    """
    random, made = Random(f"{seed} {photograph.name}"), {}
    with Image.open(photograph) as opened:
        original = ImageOps.exif_transpose(opened).convert("RGB")
    for number, (kind, maker) in enumerate(MAKERS.items()):
        picture, quality = maker(original, random)
        file = BytesIO()
        picture.save(file, "WEBP" if kind == MIXED else "JPEG", quality=quality)
        made[kind] = folder / f"{photograph.stem}-{number}"
        made[kind].write_bytes(file.getvalue())
    return made


def _recoded(picture: Image.Image, random: Random) -> tuple[Image.Image, int]:
    return picture, random.randint(20, 80)


def _scaled(picture: Image.Image, random: Random) -> tuple[Image.Image, int]:
    factor = random.uniform(0.3, 0.9)
    size = tuple(max(64, round(side * factor)) for side in picture.size)
    return picture.resize((size[0], size[1]), Image.Resampling.LANCZOS), 85


def _cropped(picture: Image.Image, random: Random) -> tuple[Image.Image, int]:
    """Cut 2 to 10 % off each of one to four edges."""
    edges = [0.0] * 4
    for edge in random.sample(range(4), random.randint(1, 4)):
        edges[edge] = random.uniform(0.02, 0.1)
    left, top, right, bottom = edges
    width, height = picture.size
    box = left * width, top * height, (1 - right) * width, (1 - bottom) * height
    whole = tuple(round(edge) for edge in box)
    return picture.crop((whole[0], whole[1], whole[2], whole[3])), 85


def _mixed(picture: Image.Image, random: Random) -> tuple[Image.Image, int]:
    cropped, _ = _cropped(picture, random)
    return _scaled(cropped, random)[0], 60


MAKERS: dict[str, Maker] = {
    RECODED: _recoded, SCALED: _scaled, CROPPED: _cropped, MIXED: _mixed
}  # fmt: skip
