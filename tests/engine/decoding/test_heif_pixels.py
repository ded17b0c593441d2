"""HEIC and AVIF as they are displayed: as by Pillow and libheif, the colours as by Chromium."""

import io
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pi_heif
import pytest
from PIL import Image, ImageCms, ImageOps

from common.errors import InputFault
from common.images.formats import read_header, strip_metadata
from engine.decoding.decoder import Decoder
from engine.models.loader import load
from engine.pixels import decode
from tests.support.images.heif_files import (
    Coded,
    Layout,
    Part,
    av1,
    box,
    clap,
    full_box,
    grid,
    heic,
    heif,
    hevc,
    imir,
    irot,
    part,
)
from tests.support.images.model_inputs import classifier_input
from tests.support.images.pictures import encode, exif

WHOLE = 10_000
SIZE = (128, 64)
SCENE = Image.linear_gradient("L").resize(SIZE)
SCENE = Image.merge("RGB", (SCENE, SCENE.transpose(Image.Transpose.ROTATE_180), SCENE))
SCENE.paste((250, 20, 30), (0, 0, 50, 20))
CODED = {"AVIF": av1(SCENE), "HEIC": hevc(SCENE)}
ALPHA = full_box(b"auxC", b"urn:mpeg:mpegB:cicp:systems:auxiliary:alpha\0")
FORMS = pytest.mark.parametrize("form", ["AVIF", "HEIC"])


def pixels(data: bytes) -> Any:
    return np.asarray(decode(data, WHOLE, WHOLE))


def reference(data: bytes) -> Any:
    """By the libraries alone, which turn the picture themselves."""
    if b"hvcC" in data:
        return np.asarray(pi_heif.open_heif(data, convert_hdr_to_8bit=True).to_pillow())
    image = Image.open(io.BytesIO(data))
    return np.asarray(ImageOps.exif_transpose(image).convert("RGB"))


def near(one: Any, other: Any, most: float = 3) -> bool:
    return bool(one.shape == other.shape and np.abs(one.astype(int) - other).mean() < most)


def single(form: str, *properties: bytes) -> bytes:
    return heif([part(CODED[form], SIZE, *properties)])


@FORMS
@pytest.mark.parametrize("turns", range(4))
@pytest.mark.parametrize("axis", [None, 0, 1])
def test_it_is_upright(form: str, turns: int, axis: int | None) -> None:
    properties = [irot(turns)] + ([] if axis is None else [imir(axis)])
    data = single(form, *properties)
    expected = SCENE.rotate(90 * turns, expand=True)
    if axis is not None:
        expected = ImageOps.mirror(expected) if axis else ImageOps.flip(expected)
    assert near(pixels(data), np.asarray(expected))
    assert near(pixels(data), reference(data), 0.5)
    assert (pixels(strip_metadata(data)) == pixels(data)).all()


@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_orientation_of_an_encoder_is_upright(orientation: int) -> None:
    for data in (
        encode(SCENE, "AVIF", exif=exif(orientation), quality=95),
        heic(SCENE, 95, exif=exif(orientation).tobytes()),
    ):
        assert near(pixels(data), reference(data), 0.5)


@pytest.mark.parametrize(
    "properties",
    [
        (imir(0), irot(1)),
        (irot(1), imir(1), irot(3)),
        (clap(90, 50, (0, 1), (0, 1)),),
        (clap(91, 51, (-10, 1), (5, 1)), irot(1)),
        (irot(1), clap(51, 90, (5, 1), (-10, 1)), imir(1)),
        (imir(1), clap(90, 50, (11, 2), (3, 1)), irot(3), clap(40, 30, (0, 1), (1, 1))),
        (clap(400, 50, (0, 1), (0, 1)),),
    ],
    ids=range(7),
)
def test_crops_and_turns_in_any_order_are_those_of_libheif(properties: tuple[bytes, ...]) -> None:
    data = single("HEIC", *properties)
    assert near(pixels(data), reference(data), 0.5)
    header = read_header(data)
    assert pixels(data).shape[1::-1] == header.upright_size
    assert near(pixels(single("AVIF", *properties)), pixels(data))


def tiled(form: str, *properties: bytes, layout: Layout = Layout(1)) -> bytes:  # noqa: B008
    tile = part(CODED[form], SIZE)
    parts = [grid(2, 2, (200, 100), *properties), tile, tile, tile, tile]
    return heif(parts, ((b"dimg", 1, (2, 3, 4, 5)),), layout)


@FORMS
@pytest.mark.parametrize("layout", [Layout(1), Layout(2, 5, base=True), Layout(1, data_first=True)])
def test_a_grid_is_put_together(form: str, layout: Layout) -> None:
    canvas = Image.new("RGB", (256, 128))
    for place in ((0, 0), (128, 0), (0, 64), (128, 64)):
        canvas.paste(SCENE, place)
    data = tiled(form, irot(1), layout=layout)
    expected = canvas.crop((0, 0, 200, 100)).rotate(90, expand=True)
    assert near(pixels(data), np.asarray(expected))
    assert (pixels(strip_metadata(data)) == pixels(data)).all()


@FORMS
def test_what_is_transparent_is_white(form: str) -> None:
    image = SCENE.copy()
    image.putalpha(Image.linear_gradient("L").resize(SIZE))
    made = heic(image, 95, chroma=444) if form == "HEIC" else encode(image, form, quality=95)
    white = Image.alpha_composite(Image.new("RGBA", SIZE, "white"), image).convert("RGB")
    assert near(pixels(made), np.asarray(white))
    assert (pixels(strip_metadata(made)) == pixels(made)).all()


@FORMS
@pytest.mark.parametrize("turned", [(), (irot(1),)])
def test_transparency_turns_with_the_picture(form: str, turned: tuple[bytes, ...]) -> None:
    mask = Image.new("L", SIZE, 255)
    mask.paste(0, (0, 0, 64, 32))
    coded: Coded = av1(mask) if form == "AVIF" else hevc(mask)
    parts = [part(CODED[form], SIZE, *turned), part(coded, SIZE, ALPHA, *turned)]
    data = heif(parts, ((b"auxl", 2, (1,)),))
    shown = pixels(data)
    assert (shown[-10:, :10] == 255).all() if turned else (shown[:10, :10] == 255).all()
    assert (shown == 255).all(axis=-1).mean() < 0.3


def swapped() -> bytes:
    """A profile whose red is green."""
    icc = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    red, green = icc.index(b"rXYZ"), icc.index(b"gXYZ")
    icc[red : red + 4], icc[green : green + 4] = b"gXYZ", b"rXYZ"
    return bytes(icc)


COLOUR, SWAPPED = (200, 80, 40), (80, 200, 40)
PLAIN = Image.new("RGB", SIZE, COLOUR)


@FORMS
def test_a_profile_is_applied(form: str) -> None:
    coded = av1(PLAIN) if form == "AVIF" else hevc(PLAIN)
    data = heif([part(coded, SIZE, box(b"colr", b"prof" + swapped()))])
    assert np.abs(pixels(data)[30, 60].astype(int) - SWAPPED).max() <= 4
    broken = heif([part(coded, SIZE, box(b"colr", b"prof" + bytes(300)))])
    assert np.abs(pixels(broken)[30, 60].astype(int) - COLOUR).max() <= 4


@pytest.mark.parametrize(
    ("primaries", "transfer", "colour"),
    [
        (1, 13, (200, 80, 40)),
        (1, 1, (200, 80, 40)),
        (2, 2, (200, 80, 40)),
        (12, 13, (217, 69, 16)),
        (12, 1, (217, 69, 16)),
        (9, 14, (246, 38, 14)),
        (1, 8, (229, 152, 110)),
    ],
)
@FORMS
def test_colours_by_numbers_are_those_of_browsers(
    form: str, primaries: int, transfer: int, colour: tuple[int, ...]
) -> None:
    """The colours are what Chromium 156 shows of the AVIF."""
    coded = av1(PLAIN) if form == "AVIF" else hevc(PLAIN)
    numbers = struct.pack(">HHHB", primaries, transfer, 6, 128)
    data = heif([part(coded, SIZE, box(b"colr", b"nclx", numbers))])
    assert np.abs(pixels(data)[30, 60].astype(int) - colour).max() <= 4


@pytest.mark.parametrize("mode", ["I;16", "L"])
def test_more_bits_are_scaled_not_cut(mode: str) -> None:
    grey = np.asarray(SCENE.convert("L"))
    deep = Image.fromarray(grey.astype(np.uint16) * 257) if mode == "I;16" else SCENE.convert("L")
    assert near(pixels(heic(deep, 100))[:, :, 0], grey)


def test_a_still_picture_of_a_sequence_is_shown() -> None:
    file = encode(SCENE, "AVIF", save_all=True, append_images=[ImageOps.invert(SCENE)], quality=95)
    assert near(pixels(file), np.asarray(SCENE))


@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
@pytest.mark.slow
@FORMS
def test_a_reduced_picture_is_the_mean_of_its_pixels(form: str, mode: str) -> None:
    image = SCENE.resize((3200, 3200)).convert(mode)
    data = heic(image, 40, enc_params={"preset": "ultrafast"}) if form == "HEIC" else encode(
        image, form, speed=10)  # fmt: skip
    with Decoder(40_000_000, 48_000_000).decoded(data, 224, 224) as reduced:
        assert reduced.size == (1600, 1600)
        assert near(np.asarray(reduced), np.asarray(decode(data, WHOLE, WHOLE).reduce(2)), 1)


@pytest.mark.parametrize("name", ["cat_720p.jpg", "parrot.jpg", "grace_hopper.bmp"])
def test_a_photograph_has_the_label_of_its_jpeg(
    name: str, model_dir: Path, photographs: Mapping[str, bytes]
) -> None:
    session = load("classify", model_dir).session()
    with Image.open(io.BytesIO(photographs[name])) as opened:
        photo = opened.convert("RGB")
    twins = encode(photo, "JPEG", quality=92), encode(photo, "AVIF", quality=85), heic(photo, 85)
    labels = {int(session.run([classifier_input(each)])[0][1:].argmax()) for each in twins}
    assert len(labels) == 1


@FORMS
def test_bytes_that_do_not_decode_are_the_inputs_fault(form: str) -> None:
    coded = CODED[form]._replace(data=b"\0\0\0\x20" + b"\xaa" * 900)
    with pytest.raises(InputFault) as caught:
        decode(heif([part(coded, SIZE), Part(b"Exif", b"x")]), 8, 8)
    assert caught.value.code == "image_undecodable"
