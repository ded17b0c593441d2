"""The colours that are decoded are those that browsers show: profiles, transparency, canvas."""

import struct
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageCms

from engine.pixels import decode
from tests.engine.decoding.test_pixels_metadata import WHOLE, chunk, pixels
from tests.support.images.pictures import encode, picture, segment

COLOUR = (200, 80, 40)
SWAPPED = (80, 200, 40)
PLAIN = Image.new("RGB", (48, 48), COLOUR)


def srgb() -> bytes:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def swapped() -> bytes:
    """sRGB's profile with its red and green primaries exchanged."""
    data = srgb().replace(b"rXYZ", b"????").replace(b"gXYZ", b"rXYZ")
    return data.replace(b"????", b"gXYZ")


def mean(data: bytes) -> tuple[float, ...]:
    return tuple(pixels(data).reshape(-1, 3).mean(axis=0))


def near(data: bytes, colour: tuple[int, ...]) -> bool:
    return bool(np.abs(np.subtract(mean(data), colour)).max() <= 3)


PROFILED: dict[str, Callable[[bytes], bytes]] = {
    "PNG": lambda icc: encode(PLAIN, "PNG", icc_profile=icc),
    "PNG of a palette": lambda icc: encode(PLAIN.quantize(4), "PNG", icc_profile=icc),
    "JPEG": lambda icc: encode(PLAIN, "JPEG", icc_profile=icc, quality=95, subsampling=0),
    "WebP": lambda icc: encode(PLAIN, "WEBP", icc_profile=icc, lossless=True),
    "BMP": lambda icc: bmp_with(icc),
}


def bmp_with(icc: bytes) -> bytes:
    data = encode(PLAIN, "BMP")
    header = bytearray(124)
    header[:40] = struct.pack("<I", 124) + data[18:54]
    header[56:60] = b"DEBM"
    header[112:120] = struct.pack("<II", 124 + len(data) - 54, len(icc))
    start = struct.pack("<2sIII", b"BM", 84 + len(data) + len(icc), 0, 138)
    return start + header + data[54:] + icc


@pytest.mark.parametrize("form", PROFILED)
def test_a_profile_says_what_colours_mean(form: str) -> None:
    make = PROFILED[form]
    assert near(make(swapped()), SWAPPED)
    assert near(make(srgb()), COLOUR)
    assert near(make(swapped() + bytes(1000)), SWAPPED)


@pytest.mark.parametrize("form", PROFILED)
@pytest.mark.parametrize("cut", [0, 20, 130, 300])
def test_a_broken_profile_is_ignored(form: str, cut: int) -> None:
    assert near(PROFILED[form](swapped()[:cut] or b"none"), COLOUR)


@pytest.mark.parametrize("form", PROFILED)
def test_a_profile_of_another_space_is_ignored(form: str) -> None:
    for space in (b"GRAY", b"CMYK", b"Lab "):
        profile = swapped()
        assert near(PROFILED[form](profile[:16] + space + profile[20:]), COLOUR), space
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    assert near(PROFILED[form](lab), COLOUR)


def test_a_profile_of_rgb_is_ignored_for_cmyk_and_read_for_grey() -> None:
    inked = encode(PLAIN.convert("CMYK"), "JPEG", quality=95, icc_profile=swapped())
    assert near(inked, COLOUR)
    grey = PLAIN.convert("L")
    assert near(encode(grey, "JPEG", icc_profile=swapped()), mean(encode(grey, "JPEG")))  # type: ignore[arg-type]


def with_profiles(*pieces: tuple[int, int, bytes]) -> bytes:
    plain = encode(PLAIN, "JPEG", quality=95, subsampling=0)
    extra = [segment(0xE2, b"ICC_PROFILE\0" + bytes(each[:2]) + each[2]) for each in pieces]
    return plain[:20] + b"".join(extra) + plain[20:]


def test_a_profile_in_pieces_must_be_whole() -> None:
    icc = swapped()
    half = len(icc) // 2
    assert near(with_profiles((1, 2, icc[:half]), (2, 2, icc[half:])), SWAPPED)
    assert near(with_profiles((2, 2, icc[half:]), (1, 2, icc[:half])), SWAPPED)
    assert near(with_profiles((1, 1, srgb()), (1, 1, icc)), COLOUR)
    assert near(with_profiles((1, 2, icc[:half])), COLOUR)
    assert near(with_profiles((1, 2, icc[:half]), (2, 3, icc[half:])), COLOUR)
    assert near(with_profiles((0, 1, icc)), COLOUR)


def png_of(*chunks: bytes, image: Image.Image = PLAIN, before: bytes = b"IDAT") -> bytes:
    data = encode(image, "PNG")
    place = data.index(before) - 4
    return data[:place] + b"".join(chunks) + data[place:]


def iccp(icc: bytes) -> bytes:
    return chunk(b"iCCP", b"a\0\0" + zlib.compress(icc))


SWAPPED_POINTS = struct.pack(">8I", 31270, 32900, 30000, 60000, 64000, 33000, 15000, 6000)
GAMMA_1, GAMMA_2 = (chunk(b"gAMA", struct.pack(">I", value)) for value in (100_000, 45_455))


@pytest.mark.parametrize(
    ("chunks", "colour"),
    [
        ((iccp(swapped()), chunk(b"sRGB", b"\0")), SWAPPED),
        ((chunk(b"sRGB", b"\0"), iccp(swapped())), SWAPPED),
        ((iccp(swapped()), iccp(srgb())), SWAPPED),
        ((iccp(srgb()), iccp(swapped())), COLOUR),
        ((chunk(b"iCCP", b"a\0\0nonsense"), iccp(swapped())), COLOUR),
        ((GAMMA_1,), (229, 152, 110)),
        ((GAMMA_2,), COLOUR),
        ((chunk(b"sRGB", b"\0"), GAMMA_1), COLOUR),
        ((chunk(b"cHRM", SWAPPED_POINTS),), COLOUR),
        ((GAMMA_2, chunk(b"cHRM", SWAPPED_POINTS)), (79, 201, 35)),
        ((chunk(b"cICP", bytes((12, 13, 0, 1))),), (216, 69, 17)),
        ((iccp(swapped()), chunk(b"cICP", bytes((1, 13, 0, 1)))), COLOUR),
    ],
)
def test_the_colours_of_a_png_are_those_of_browsers(
    chunks: tuple[bytes, ...], colour: tuple[int, ...]
) -> None:
    """The colours are what Chromium 140 shows."""
    assert near(png_of(*chunks), colour)


def test_a_profile_behind_the_pixels_is_ignored() -> None:
    assert near(png_of(iccp(swapped()), before=b"IEND"), COLOUR)


def test_transparent_colours_have_a_profile_too() -> None:
    half = PLAIN.convert("RGBA")
    half.putalpha(128)
    assert near(encode(half, "PNG", icc_profile=swapped()), (167, 227, 147))


# ---- transparent by a key


def raw_png(values: Any, depth: int, colour_type: int, *chunks: bytes) -> bytes:
    """A PNG of rows that are packed already, without filters."""
    rows = np.asarray(values)
    width = rows.shape[1] * (8 // depth) if depth < 8 else rows.shape[1]
    kind = ">u2" if depth == 16 else "u1"
    packed = b"".join(b"\0" + row.astype(kind).tobytes() for row in rows)
    head = struct.pack(">IIBBBBB", width, len(rows), depth, colour_type, 0, 0, 0)
    body = (chunk(b"IHDR", head), *chunks, chunk(b"IDAT", zlib.compress(packed)), chunk(b"IEND"))
    return b"\x89PNG\r\n\x1a\n" + b"".join(body)


@pytest.mark.parametrize(
    ("depth", "stored", "key", "other"),
    [
        (1, 0b01010101, 0, 255),
        (2, 0b01100110, 1, 170),
        (4, 0x5A, 5, 170),
        (2, 0b01100110, 0xF1, 170),
    ],
)
def test_a_transparent_grey_of_few_bits_is_white(
    depth: int, stored: int, key: int, other: int
) -> None:
    data = raw_png([[stored] * 4] * 4, depth, 0, chunk(b"tRNS", struct.pack(">H", key)))
    assert set(np.unique(pixels(data)).tolist()) == {255, other}


def test_a_transparent_grey_of_16_bits_is_compared_whole() -> None:
    values = np.full((20, 30), 0x1234)
    values[:, 15:] = 0x1235
    data = raw_png(values, 16, 0, chunk(b"tRNS", struct.pack(">H", 0x1234)))
    shown = pixels(data)
    assert (shown[:, :15] == 255).all() and (shown[:, 15:] == 0x12).all()


@pytest.mark.parametrize("depth", [8, 16])
def test_a_transparent_colour_is_white(depth: int) -> None:
    unit = 257 if depth == 16 else 1
    values = np.zeros((40, 30, 3), int) + np.array([10, 20, 30]) * unit
    values[20:, :, 2] += 1
    key = struct.pack(">3H", *(np.array([10, 20, 30]) * unit).tolist())
    shown = pixels(raw_png(values, depth, 2, chunk(b"tRNS", key)))
    assert (shown[:20] == 255).all()
    assert (shown[20:, :, :2] == [10, 20]).all() and (shown[20:, :, 2] < 32).all()


def test_a_palette_with_too_many_transparent_entries_is_opaque() -> None:
    data = encode(PLAIN.quantize(2), "PNG")
    place = data.index(b"IDAT") - 4
    assert near(data[:place] + chunk(b"tRNS", bytes(1)) + data[place:], (255, 255, 255))
    assert near(data[:place] + chunk(b"tRNS", bytes(200)) + data[place:], COLOUR)


# ---- part of a canvas


def part_of_canvas() -> bytes:
    """A red GIF of 20 x 10 at (10, 5) of 50 x 40, whose first colour is green."""
    frame = Image.frombytes("P", (20, 10), bytes([1]) * 200)
    frame.putpalette([0, 255, 0, *COLOUR])
    data = bytearray(encode(frame, "GIF", optimize=False))
    data[6:10] = struct.pack("<HH", 50, 40)
    place = data.index(b",\0\0\0\0", 13 + (3 << (data[10] & 7) + 1))
    data[place + 1 : place + 5] = struct.pack("<HH", 10, 5)
    return bytes(data)


def test_what_a_frame_leaves_of_its_canvas_is_white() -> None:
    canvas = Image.new("RGB", (50, 40), "white")
    canvas.paste(COLOUR, (10, 5, 30, 15))
    assert (pixels(part_of_canvas()) == np.asarray(canvas)).all()


def test_a_frame_of_a_webp_is_laid_on_white() -> None:
    frames = [Image.new("RGBA", (50, 40)) for _ in range(2)]
    for place, frame in enumerate(frames):
        frame.paste((*COLOUR, 255), (10, 6 + place, 30, 16))
    data = encode(frames[0], "WEBP", save_all=True, append_images=frames[1:], lossless=True)
    shown = pixels(data)
    assert (shown[0] == 255).all() and (shown[10, 20] == COLOUR).all()


# ---- reduced


@pytest.mark.parametrize("mode", ["P", "RGBA", "I;16"])
def test_a_large_picture_is_reduced_to_the_mean_of_its_pixels(mode: str) -> None:
    image = picture(mode, (3500, 3200))
    data = encode(image, "PNG", compress_level=1)
    reduced = decode(data, 224, 224)
    assert (reduced.mode, reduced.size) == ("RGB", (1750, 1600))
    whole = decode(data, WHOLE, WHOLE).reduce(2)
    difference = np.abs(np.asarray(reduced, int) - np.asarray(whole))
    assert difference.max() <= 2
