"""Distinct photographs made from a few real ones: cropped, mirrored, re-encoded, by a seed."""

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from random import Random

from PIL import Image, ImageEnhance, ImageOps

SUFFIXES = {".jpg", ".jpeg", ".bmp", ".png"}
SIDES = (1280, 720)
LARGE_SIDES = (4000, 3000)  # 12 megapixels
LARGE_EVERY = 100
GRAIN = 0.06  # how much of a large picture is noise
MOST_BYTES = 10_480_000  # just below the default MAX_UPLOAD_BYTES, with room for a stamp

Sides = tuple[int, int]  # the longer and the shorter one, in pixels

_JPEG_START = b"\xff\xd8"


def make_photographs(
    sources: Path, folder: Path, count: int, seed: int, sides: Sides | None = None
) -> list[Path]:
    """Write `count` JPEGs into `folder`, the same ones for the same sources and seed.

    All are 720p, landscape or upright, but for one in 100, which has 12 megapixels. With `sides`
    all have these (long, short), and are encoded like large ones. Raises FileNotFoundError when
    `sources` holds no photograph.
    """
    originals = _read(sources)
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"{number:05}.jpg" for number in range(count)]
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        chosen = [originals[number % len(originals)] for number in range(count)]
        list(threads.map(_make, paths, chosen, range(count), [seed] * count, [sides] * count))
    return paths


def read_all(folder: Path) -> list[bytes]:
    """The photographs that `make_photographs` wrote, in order."""
    return [path.read_bytes() for path in sorted(folder.glob("*.jpg"))]


def stamped(photographs: Sequence[bytes], text: str) -> Iterator[bytes]:
    """The same pictures as other files: a comment segment makes each one's bytes new.

    So a service that has seen a picture before must still do all of its work again.
    """
    for number, photograph in enumerate(photographs):
        comment = f"{text}, {number}".encode()
        segment = b"\xff\xfe" + (len(comment) + 2).to_bytes(2, "big") + comment
        yield _JPEG_START + segment + photograph[len(_JPEG_START) :]


def _read(sources: Path) -> list[Image.Image]:
    # A mask is painted, not photographed.
    paths = sorted(p for p in sources.glob("*") if p.suffix in SUFFIXES and "mask" not in p.stem)
    if not paths:
        raise FileNotFoundError(f"There are no photographs in {sources}; IMAGES_DIR names another.")
    return [Image.open(path).convert("RGB") for path in paths]


def _make(path: Path, original: Image.Image, number: int, seed: int, wanted: Sides | None) -> None:
    random = Random(f"{seed} {number}")
    crop = _cropped(original, random)
    is_large = wanted is not None or number % LARGE_EVERY == LARGE_EVERY - 1
    sides = wanted or (LARGE_SIDES if is_large else SIDES)
    picture = crop.resize(sides[::-1] if crop.height > crop.width else sides)
    picture = ImageEnhance.Brightness(picture).enhance(random.uniform(0.85, 1.15))
    if is_large:
        # Made larger without a sensor's noise, it would compress like no photograph.
        noise = random.randbytes(3 * picture.width * picture.height)
        picture = Image.blend(picture, Image.frombytes("RGB", picture.size, noise), GRAIN)
    quality = random.randint(80, 92)
    picture.save(path, "JPEG", quality=quality)
    while path.stat().st_size > MOST_BYTES:
        quality -= 5
        picture.save(path, "JPEG", quality=quality)


def _cropped(original: Image.Image, random: Random) -> Image.Image:
    """Three fifths or more of each side, from anywhere, mirrored half of the time."""
    wide, high = (int(side * random.uniform(0.6, 1)) for side in original.size)
    left, top = random.randint(0, original.width - wide), random.randint(0, original.height - high)
    crop = original.crop((left, top, left + wide, top + high))
    return ImageOps.mirror(crop) if random.random() < 0.5 else crop
