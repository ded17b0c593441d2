"""Decoding: upright, RGB, reduced but large enough, and a clear word about what does not decode."""

import io
import random
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageOps

from common.errors import InputFault
from engine.models.loader import Session, load
from engine.pixels import OVERSAMPLING, decode
from tests.support.images.heif_files import heic
from tests.support.images.model_inputs import classifier_input
from tests.support.images.pictures import XMP, animation, encode, every_kind, exif, picture

HUGE = 10_000  # a wanted size that no picture here has: it is decoded whole


def pixels(data: bytes) -> Any:
    return np.asarray(decode(data, HUGE, HUGE))


def careful(data: bytes) -> Any:
    return np.asarray(ImageOps.exif_transpose(Image.open(io.BytesIO(data))).convert("RGB"))


@pytest.fixture(scope="session")
def session(model_dir: Path) -> Session:
    return load("classify", model_dir).session()


def top(session: Session, data: bytes) -> int:
    return int(session.run([classifier_input(data)])[0][1:].argmax())


# ---- upright

INVERSE = {5: Image.Transpose.TRANSPOSE, 6: Image.Transpose.ROTATE_90,
           7: Image.Transpose.TRANSVERSE, 8: Image.Transpose.ROTATE_270,
           2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180,
           4: Image.Transpose.FLIP_TOP_BOTTOM}  # fmt: skip


def stored_for(orientation: int, upright: Image.Image) -> Image.Image:
    """What a camera that was held so stores of a scene."""
    return upright.transpose(INVERSE[orientation]) if orientation > 1 else upright


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("form", ["PNG", "WEBP"])
def test_every_orientation_gives_the_same_pixels(form: str, orientation: int) -> None:
    scene = picture()
    options: dict[str, Any] = {"exif": exif(orientation), "lossless": True}
    data = encode(stored_for(orientation, scene), form, **options)
    assert (pixels(data) == np.asarray(scene)).all()


@pytest.mark.parametrize("orientation", [*range(10), None])
@pytest.mark.parametrize("subsampling", [0, 2])
def test_an_oriented_jpeg_decodes_as_with_pillow(subsampling: int, orientation: int | None) -> None:
    data = encode(picture(), "JPEG", exif=exif(orientation), subsampling=subsampling)
    assert (pixels(data) == careful(data)).all()


def test_an_orientation_in_xmp_does_not_count_as_in_browsers() -> None:
    data = encode(picture(), "JPEG", xmp=XMP % 6)
    assert (pixels(data) == pixels(encode(picture(), "JPEG"))).all()


@pytest.mark.filterwarnings("ignore:Corrupt EXIF")
@pytest.mark.parametrize(
    "block", [b"Exif\0\0garbage", b"Exif\0\0MM\0*\xff\xff\xff\xff", b"Exif\0\0"]
)
def test_broken_exif_does_not_spoil_a_picture(block: bytes) -> None:
    data = encode(picture(), "JPEG", exif=block)
    assert (pixels(data) == pixels(encode(picture(), "JPEG"))).all()


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
def test_the_label_is_the_same_however_the_camera_was_held(
    form: str, session: Session, photographs: Mapping[str, bytes]
) -> None:
    with Image.open(io.BytesIO(photographs["cat_720p.jpg"])) as opened:
        scene = opened.resize((640, 360))
    labels = {
        top(session, encode(stored_for(value, scene), form, exif=exif(value), quality=90))
        for value in range(1, 9)
    }
    assert labels == {285}  # Egyptian cat


# ---- as small as may be


@pytest.mark.parametrize("orientation", [1, 6])
@pytest.mark.parametrize("wanted", [(30, 20), (100, 20), (10, 90), (250, 100), (400, 300)])
def test_a_jpeg_is_reduced_as_far_as_both_axes_allow(
    wanted: tuple[int, int], orientation: int
) -> None:
    size = (1203, 801)
    data = encode(stored_for(orientation, picture(size=size)), "JPEG", exif=exif(orientation))
    image = decode(data, *wanted)
    scales = [s for s in (1, 2, 4, 8) if all(
        side // s >= OVERSAMPLING * least for side, least in zip(size, wanted, strict=True)
    )]  # fmt: skip
    scale = max(scales, default=1)
    assert image.size == tuple(-(-side // scale) for side in size)


# ---- all that is accepted


@pytest.mark.parametrize("name", every_kind())
def test_every_accepted_variant_decodes_to_rgb(name: str) -> None:
    image = decode(every_kind()[name], HUGE, HUGE)
    assert image.mode == "RGB"
    assert min(image.size) > 0


def test_16_bits_are_scaled_not_cut() -> None:
    grey = np.asarray(picture("L"))
    deep = Image.fromarray(grey.astype(np.uint16) * 257)
    assert (pixels(encode(deep, "PNG"))[:, :, 0] == grey).all()


@pytest.mark.parametrize("form", ["PNG", "WEBP"])
def test_what_is_transparent_is_white(form: str) -> None:
    scene = picture("RGBA")
    data = encode(scene, form, lossless=True, exact=True)
    assert (pixels(data) == np.asarray(white_behind(scene))).all()


def white_behind(image: Image.Image) -> Image.Image:
    return Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB")


@pytest.mark.parametrize("form", ["GIF", "PNG", "WEBP"])
def test_of_an_animation_the_first_frame_counts(form: str) -> None:
    many, one = animation(form, 4, lossless=True), animation(form, 1, lossless=True)
    assert np.abs(pixels(many).astype(int) - pixels(one)).mean() < 1


def test_of_several_pictures_in_a_jpeg_the_first_counts() -> None:
    first, second = picture(seed=1), picture(seed=2)
    data = encode(first, "MPO", save_all=True, append_images=[second])
    assert Image.open(io.BytesIO(data)).format == "MPO"
    assert (pixels(data) == pixels(encode(first, "JPEG"))).all()


def palette_with_transparency(image: Image.Image) -> bytes:
    return encode(image.quantize(256), "PNG", transparency=bytes(range(256)))


TWINS: dict[str, Callable[[Image.Image], bytes]] = {
    "CMYK": lambda rgb: encode(rgb.convert("CMYK"), "JPEG", quality=92),
    "palette": palette_with_transparency,
    "transparent": lambda rgb: encode(
        Image.merge("RGBA", (*rgb.split(), Image.linear_gradient("L").resize(rgb.size))), "PNG"
    ),
    "16 bits": lambda rgb: encode(
        Image.fromarray(np.asarray(rgb.convert("L")).astype(np.uint16) * 257), "PNG"
    ),
    "grey JPEG": lambda rgb: encode(rgb.convert("L"), "JPEG", quality=92),
    "grey with alpha": lambda rgb: encode(rgb.convert("LA"), "PNG"),
    "GIF": lambda rgb: encode(rgb, "GIF"),
    "BMP": lambda rgb: encode(rgb, "BMP"),
}
GREY = {"16 bits", "grey JPEG", "grey with alpha"}


@pytest.mark.parametrize("variant", TWINS)
@pytest.mark.parametrize("name", ["cat_720p.jpg", "parrot.jpg", "sunflower.bmp"])
def test_every_mode_has_the_label_of_its_rgb_twin(
    name: str, variant: str, session: Session, photographs: Mapping[str, bytes]
) -> None:
    with Image.open(io.BytesIO(photographs[name])) as opened:
        rgb = opened.convert("RGB")
    data = TWINS[variant](rgb)
    twin = rgb.convert("L").convert("RGB") if variant in GREY else rgb
    if variant == "palette":  # most of its colours are far from those of the photograph
        pixels = Image.open(io.BytesIO(data)).convert("RGBA")
        twin = Image.alpha_composite(Image.new("RGBA", pixels.size, "white"), pixels).convert("RGB")
    assert top(session, data) == top(session, encode(twin, "PNG"))


# ---- what does not decode


HEADERS = {"JPEG": b"\xff\xc4", "PNG": b"IDAT", "WEBP": b"VP8L"}


def broken(name: str) -> bytes:
    """A file that has its header and its end, and nothing sensible in between."""
    data = encode(picture(size=(200, 200)), name, lossless=True)
    start = data.index(HEADERS[name]) + 16
    return data[:start] + b"\xff" * 400 + data[start + 400 :]


@pytest.mark.parametrize("name", HEADERS)
def test_a_file_that_does_not_decode_is_the_inputs_fault(name: str) -> None:
    with pytest.raises(InputFault) as caught:
        decode(broken(name), 224, 224)
    assert caught.value.code == "image_undecodable"


def written(name: str, size: tuple[int, int]) -> bytes:
    image = picture(size=size)
    return heic(image) if name == "HEIC" else encode(image, name)


@pytest.mark.parametrize("name", ["JPEG", "PNG", "GIF", "WEBP", "BMP", "TIFF", "AVIF", "HEIC"])
def test_a_file_that_is_cut_short_is_the_inputs_fault(name: str) -> None:
    data = written(name, (200, 200))
    for length in (0, 1, 12, 40, len(data) // 2, len(data) * 9 // 10):
        with pytest.raises(InputFault):
            decode(data[:length], 8, 8)


def test_a_jpeg_with_a_damaged_middle_is_shown_as_browsers_show_it() -> None:
    data = bytearray(encode(picture(size=(400, 400)), "JPEG"))
    middle = len(data) // 2
    data[middle : middle + 20] = bytes(20)
    assert decode(bytes(data), HUGE, HUGE).size == (400, 400)


def test_more_pixels_than_allowed_are_not_decoded() -> None:
    data = encode(picture(size=(100, 100)), "PNG")
    assert decode(data, 8, 8, max_pixels=10_000).size == (100, 100)
    with pytest.raises(InputFault) as caught:
        decode(data, 8, 8, max_pixels=9_999)
    assert caught.value.code == "image_too_many_pixels"


@pytest.mark.parametrize("name", ["JPEG", "PNG", "GIF", "WEBP", "BMP", "TIFF", "AVIF", "HEIC"])
def test_whatever_is_damaged_it_is_the_inputs_fault_or_a_picture(name: str) -> None:
    data = written(name, (67, 45))
    chance = random.Random(name)
    for _ in range(300):
        damaged = bytearray(data)
        for _ in range(chance.randint(1, 8)):
            damaged[chance.randrange(len(data))] = chance.randrange(256)
        try:
            assert decode(bytes(damaged), 8, 8).mode == "RGB"
        except InputFault:
            continue
