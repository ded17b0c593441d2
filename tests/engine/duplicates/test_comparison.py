"""Fingerprints of real photographs: copies are recognized, and other pictures are not."""

import io
from collections.abc import Callable, Mapping
from random import Random

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from common.settings import Settings
from engine.duplicates.comparison import Comparison, compare
from engine.duplicates.fingerprint import SIDE, from_result
from engine.tasks.fingerprint import open_runner
from tests.support.images.pictures import encode, exif

# The photographs; the mask is no photograph, and shows the same dog as another file.
NAMES = [
    "cat_720p.jpg", "dog_segmentation.bmp", "grace_hopper.bmp", "hot_dog.jpg",
    "kite_and_cold.jpg", "parrot.jpg", "pets.jpg", "sunflower.bmp",
]  # fmt: skip
RUNNER = open_runner(Settings.from_env({}))


def compared(first: bytes, second: bytes) -> Comparison | None:
    """Compare two files by what their predictions store."""
    stored = RUNNER.run([RUNNER.prepare(data, {}) for data in (first, second)], [{}, {}])
    sizes = []
    for data in (first, second):
        with Image.open(io.BytesIO(data)) as image:
            turned = image.getexif().get(0x0112, 1) >= 5
            sizes.append(image.size[::-1] if turned else image.size)
    aspect = (sizes[1][0] * sizes[0][1]) / (sizes[1][1] * sizes[0][0])
    return compare(from_result(stored[0]), from_result(stored[1]), aspect)


def is_copy(first: bytes, second: bytes) -> bool:
    found = compared(first, second)
    return found is not None and found.is_copy


def opened(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data)).convert("RGB")


def cropped(image: Image.Image, left: float, top: float, right: float, bottom: float) -> bytes:
    """A JPEG without these shares of the edges."""
    width, height = image.size
    box = (left * width, top * height, (1 - right) * width, (1 - bottom) * height)
    whole = [round(edge) for edge in box]
    return encode(image.crop((whole[0], whole[1], whole[2], whole[3])), "JPEG", quality=85)


COPIES: dict[str, Callable[[Image.Image], bytes]] = {
    "another quality": lambda image: encode(image, "JPEG", quality=30),
    "another format": lambda image: encode(image, "WEBP", quality=60),
    "half the size": lambda image: encode(
        image.resize((image.width // 2, image.height // 2)), "PNG"
    ),
    "another aspect ratio": lambda image: encode(image.resize((300, 300)), "JPEG", quality=90),
    "grey": lambda image: encode(image.convert("L"), "JPEG", quality=90),
    "5 % off each edge": lambda image: cropped(image, 0.05, 0.05, 0.05, 0.05),
    "10 % off each edge": lambda image: cropped(image, 0.1, 0.1, 0.1, 0.1),
    "15 % off a corner": lambda image: cropped(image, 0.15, 0.15, 0, 0),
    "20 % off one side": lambda image: cropped(image, 0, 0, 0.2, 0),
}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("kind", COPIES)
def test_a_copy_is_recognized_from_both_sides(
    photographs: Mapping[str, bytes], name: str, kind: str
) -> None:
    original = photographs[name]
    copy = COPIES[kind](opened(original))
    assert is_copy(original, copy)
    assert is_copy(copy, original)


def test_two_different_crops_of_a_photograph_are_copies_of_each_other(
    photographs: Mapping[str, bytes],
) -> None:
    image = opened(photographs["pets.jpg"])
    assert is_copy(cropped(image, 0.1, 0, 0, 0), cropped(image, 0, 0.05, 0.1, 0))


def test_different_photographs_are_not_copies(photographs: Mapping[str, bytes]) -> None:
    pairs = [(a, b) for a in NAMES for b in NAMES if a != b]
    assert [pair for pair in pairs if is_copy(photographs[pair[0]], photographs[pair[1]])] == []


def test_a_quarter_of_a_photograph_is_not_a_copy_of_it(photographs: Mapping[str, bytes]) -> None:
    image = opened(photographs["cat_720p.jpg"])
    assert not is_copy(photographs["cat_720p.jpg"], cropped(image, 0.25, 0.25, 0.25, 0.25))


@pytest.mark.parametrize("orientation", range(2, 9))
def test_a_photograph_whose_orientation_is_in_its_metadata_is_a_copy(
    photographs: Mapping[str, bytes], orientation: int
) -> None:
    upright = opened(photographs["cat_720p.jpg"])
    stored = {
        2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM, 5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90, 7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }  # fmt: skip
    turned = upright.transpose(stored[orientation])
    copy = encode(turned, "JPEG", quality=90, exif=exif(orientation))
    assert is_copy(photographs["cat_720p.jpg"], copy)


def test_a_mirrored_or_turned_photograph_is_not_a_copy(photographs: Mapping[str, bytes]) -> None:
    image = opened(photographs["cat_720p.jpg"])
    for change in (Image.Transpose.FLIP_LEFT_RIGHT, Image.Transpose.ROTATE_180):
        changed = encode(image.transpose(change), "JPEG", quality=95)
        assert not is_copy(photographs["cat_720p.jpg"], changed)


def empty_page(seed: int) -> bytes:
    """A scan of an empty page: white, with the noise of a scanner."""
    noise = np.random.default_rng(seed).normal(250, 2, (800, 600))
    return encode(Image.fromarray(noise.clip(0, 255).astype(np.uint8)), "JPEG", quality=90)


def ramp(start: int) -> bytes:
    """A picture that becomes lighter from the top to the bottom."""
    rows = np.linspace(start, start + 60, 400)[:, None].repeat(300, axis=1)
    return encode(Image.fromarray(rows.astype(np.uint8)), "PNG")


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (empty_page(1), empty_page(2)),
        (encode(Image.new("RGB", (40, 40), "white"), "PNG"), empty_page(1)),
        (encode(Image.new("RGB", (40, 40), "red"), "PNG"),) * 2,
        (encode(Image.new("RGB", (1, 1)), "PNG"), encode(Image.new("RGB", (1, 900)), "PNG")),
        (ramp(10), ramp(150)),
    ],
)
def test_pictures_without_detail_are_not_copies(first: bytes, second: bytes) -> None:
    assert compared(first, second) is None


def invoice(seed: int) -> bytes:
    """A page of a form, with a text of its own."""
    random, page = Random(seed), Image.new("RGB", (1240, 1754), "white")
    draw, font = ImageDraw.Draw(page), ImageFont.load_default(26)
    draw.rectangle((60, 60, 500, 180), fill=(30, 60, 140))
    draw.text((80, 100), "ACME Invoice", fill="white", font=ImageFont.load_default(48))
    for line in range(36):
        words = ("".join(random.choices("abcdefghij", k=random.randint(2, 10))) for _ in range(12))
        text = " ".join(list(words)[: random.randint(3, 12)])
        draw.text((80, 260 + line * 38), text, fill="black", font=font)
    return encode(page, "PNG")


def test_pages_of_one_form_with_different_texts_are_not_copies() -> None:
    pages = [invoice(seed) for seed in range(6)]
    pairs = [(a, b) for a in range(6) for b in range(a)]
    assert [pair for pair in pairs if is_copy(pages[pair[0]], pages[pair[1]])] == []
    assert is_copy(pages[0], encode(opened(pages[0]), "JPEG", quality=40))


def test_a_fingerprint_survives_its_row(photographs: Mapping[str, bytes]) -> None:
    pixels = RUNNER.prepare(photographs["parrot.jpg"], {})
    [stored] = RUNNER.run([pixels], [{}])
    assert len(stored["pixels"]) < 5_500  # bytes of the row
    assert pixels.shape == (SIDE, SIDE)
    assert (from_result(stored) == pixels).all()
