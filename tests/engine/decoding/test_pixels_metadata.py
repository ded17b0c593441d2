"""Metadata decides neither whether an image can be decoded nor what it looks like."""

import struct
import zlib
from typing import Any

import numpy as np
import pytest

from common.images.formats import read_header, strip_metadata
from engine.pixels import decode
from tests.support.images.pictures import animation, encode, exif, picture, segment

WHOLE = 10_000  # a wanted size that no picture here has: it is decoded at its own
NOISE = bytes(range(256)) * 6000


def pixels(data: bytes) -> Any:
    return np.asarray(decode(data, WHOLE, WHOLE))


def chunk(kind: bytes, payload: bytes = b"", checksum: int | None = None) -> bytes:
    wanted = zlib.crc32(kind + payload) if checksum is None else checksum
    return struct.pack(">I", len(payload)) + kind + payload + struct.pack(">I", wanted)


def png_with(extra: bytes, before: bytes = b"IDAT", **options: Any) -> bytes:
    data = encode(picture(), "PNG", **options)
    place = data.index(before) - 4
    return data[:place] + extra + data[place:]


HARMLESS = {
    "long profile": chunk(b"iCCP", b"long\0\0" + zlib.compress(NOISE * 4)),
    "profile of an unknown compression": chunk(b"iCCP", b"odd\0\1" + zlib.compress(NOISE)),
    "profile that does not inflate": chunk(b"iCCP", b"odd\0\0nonsense"),
    "profile without a name": chunk(b"iCCP", b"\0\0" + zlib.compress(NOISE)),
    "empty profile": chunk(b"iCCP"),
    "long text": chunk(b"zTXt", b"Comment\0\0" + zlib.compress(NOISE)),
    "text of an unknown compression": chunk(b"zTXt", b"Comment\0\1" + zlib.compress(NOISE)),
    "cut international text": chunk(b"iTXt", b"Comment\0\1"),
    "text with a wrong checksum": chunk(b"tEXt", b"Comment\0hello", 1),
    "much text": chunk(b"tEXt", b"Comment\0" + b"a" * 1_100_000) * 3,
    "short pHYs": chunk(b"pHYs", b"\0\0\0\1"),
    "empty gAMA": chunk(b"gAMA"),
    "gAMA of 0": chunk(b"gAMA", bytes(4)),
    "short cHRM": chunk(b"cHRM", bytes(5)),
    "cHRM of zeros": chunk(b"gAMA", struct.pack(">I", 45455)) + chunk(b"cHRM", bytes(32)),
    "cHRM on one line": chunk(b"gAMA", struct.pack(">I", 45455)) + chunk(b"cHRM", b"\0\0\1\0" * 8),
    "empty sRGB": chunk(b"sRGB"),
    "short cICP": chunk(b"cICP", b"\1"),
    "cICP of nothing known": chunk(b"cICP", b"\xff\xff\xff\xff"),
    "short bKGD": chunk(b"bKGD", b"\0"),
    "short tRNS": chunk(b"tRNS", b"\0\1"),
    "tRNS with a wrong checksum": chunk(b"tRNS", bytes(6), 1),
    "broken eXIf": chunk(b"eXIf", b"nonsense"),
    "eXIf with a wrong checksum": chunk(b"eXIf", exif(6).tobytes().removeprefix(b"Exif\0\0"), 1),
    "short acTL": chunk(b"acTL", b"\0\0"),
    "short fcTL": chunk(b"fcTL", b"\0\0"),
    "palette of a size that cannot be": chunk(b"PLTE", b"\0\0"),
    "time with a wrong checksum": chunk(b"tIME", bytes(7), 1),
    "somebody's own": chunk(b"abCd", NOISE),
}


@pytest.mark.parametrize("before", [b"IDAT", b"IEND"])
@pytest.mark.parametrize("name", HARMLESS)
def test_a_harmless_chunk_of_a_png_changes_nothing(name: str, before: bytes) -> None:
    data = png_with(HARMLESS[name], before)
    assert (pixels(data) == np.asarray(picture())).all()
    assert (pixels(strip_metadata(data)) == np.asarray(picture())).all()


def test_a_chunk_between_the_pixels_changes_nothing() -> None:
    data = encode(picture(), "PNG")
    place = data.index(b"IDAT") - 4
    packed = data[place + 8 : place + 8 + int.from_bytes(data[place : place + 4], "big")]
    halves = chunk(b"IDAT", packed[:99]) + HARMLESS["short pHYs"] + chunk(b"IDAT", packed[99:])
    assert (pixels(data[:place] + halves + chunk(b"IEND")) == np.asarray(picture())).all()


SEGMENTS = {
    "cut JFIF": segment(0xE0, b"JFIF\0\1"),
    "JFIF with a thumbnail that is cut": segment(0xE0, b"JFIF\0\1\1\0\0\1\0\1\xff\xff"),
    "cut Adobe": segment(0xEE, b"Adobe\0d"),
    "empty profile": segment(0xE2, b"ICC_PROFILE\0"),
    "profile without its second half": segment(0xE2, b"ICC_PROFILE\0\1\2" + bytes(300)),
    "profile of zeros": segment(0xE2, b"ICC_PROFILE\0\1\1" + bytes(300)),
    "cut EXIF": segment(0xE1, b"Exif\0\0MM\0*"),
    "cut index of pictures": segment(0xE2, b"MPF\0MM\0*"),
    "cut Photoshop": segment(0xED, b"Photoshop 3.0\x008BIM"),
    "nothing": b"".join(segment(marker) for marker in (*range(0xE0, 0xF0), 0xFE)),
    "comment": segment(0xFE, bytes(60_000)),
}


@pytest.mark.parametrize("name", SEGMENTS)
def test_a_harmless_segment_of_a_jpeg_changes_nothing(name: str) -> None:
    plain = encode(picture(), "JPEG")
    scan = plain.index(b"\xff\xda")
    for place in (2, 20, scan):
        data = plain[:place] + SEGMENTS[name] + plain[place:]
        assert (pixels(data) == pixels(plain)).all(), place
    assert (pixels(plain[:2] + SEGMENTS[name] + plain[20:]) == pixels(plain)).all(), "without JFIF"


EXTENSIONS = {
    "cut repetitions": b"!\xff\x0bNETSCAPE2.0\1\1\0",
    "no repetitions": b"!\xff\x0bNETSCAPE2.0\0",
    "short application": b"!\xff\3abc\0",
    "empty application": b"!\xff\0",
    "unknown": b"!\x55\3abc\0",
    "empty comment": b"!\xfe\0",
    "short control": b"!\xf9\2\1\0\0",
    "empty control": b"!\xf9\0",
    "long control": b"!\xf9\5\1\0\0\0\0\0",
    "text": b"!\1\x0c" + bytes(12) + b"\2hi\0",
}


@pytest.mark.parametrize("name", EXTENSIONS)
def test_a_harmless_extension_of_a_gif_changes_nothing(name: str) -> None:
    plain = encode(picture("P"), "GIF")
    place = 13 + 3 * 256
    data = plain[:place] + EXTENSIONS[name] + plain[place:]
    assert (pixels(data) == pixels(plain)).all()


def test_chunks_of_a_webp_that_are_not_pixels_change_nothing() -> None:
    plain = encode(picture(), "WEBP", lossless=True, icc_profile=b"none", exif=b"none", xmp=b"x")
    body = plain[12:] + b"ABCD" + struct.pack("<I", 4) + b"abcd"
    data = b"RIFF" + struct.pack("<I", 4 + len(body)) + b"WEBP" + body
    assert (pixels(data) == np.asarray(picture())).all()


@pytest.mark.parametrize("form", ["JPEG", "PNG", "GIF", "WEBP", "BMP", "TIFF", "AVIF"])
def test_what_follows_the_end_changes_nothing(form: str) -> None:
    data = encode(picture(), form)
    assert (pixels(data + NOISE) == pixels(data)).all()


@pytest.mark.parametrize("form", ["GIF", "WEBP"])
def test_damage_behind_the_first_frame_changes_nothing(form: str) -> None:
    data = bytearray(animation(form, 3, lossless=True))
    data[-100:-60] = bytes(40)
    assert np.abs(pixels(bytes(data)).astype(int) - np.asarray(picture())).mean() < 20


TURNED = exif(6).tobytes().removeprefix(b"Exif\0\0")
UPRIGHT = exif(1).tobytes().removeprefix(b"Exif\0\0")


@pytest.mark.parametrize(
    ("data", "orientation"),
    [
        (png_with(chunk(b"eXIf", TURNED)), 6),
        (png_with(chunk(b"eXIf", TURNED), b"IEND"), 1),
        (png_with(chunk(b"eXIf", TURNED) + chunk(b"eXIf", UPRIGHT)), 6),
        (png_with(chunk(b"eXIf", UPRIGHT) + chunk(b"eXIf", TURNED)), 1),
        (png_with(chunk(b"eXIf", b"nonsense") + chunk(b"eXIf", TURNED)), 1),
        (png_with(chunk(b"eXIf", b"Exif\0\0" + TURNED)), 1),
        (png_with(chunk(b"eXIf", TURNED, 1)), 1),
    ],
)
def test_a_png_is_turned_as_browsers_turn_it(data: bytes, orientation: int) -> None:
    """As Chromium 140 shows these files."""
    assert read_header(data).orientation == orientation
    assert read_header(strip_metadata(data)).orientation == orientation


@pytest.mark.parametrize(
    ("segments", "orientation"),
    [
        ([b"Exif\0\0" + TURNED, b"Exif\0\0" + UPRIGHT], 6),
        ([b"Exif\0\0" + UPRIGHT, b"Exif\0\0" + TURNED], 1),
        ([b"Exif\0\0nonsense", b"Exif\0\0" + TURNED], 1),
        ([b"Exif\0\1" + TURNED], 6),
        ([b"Exif\0\0Exif\0\0" + TURNED], 1),
        ([b"Exif\0\0" + TURNED[:9], b"Exif\0\0" + TURNED[9:]], 1),
    ],
)
def test_a_jpeg_is_turned_as_browsers_turn_it(segments: list[bytes], orientation: int) -> None:
    plain = encode(picture(), "JPEG")
    data = plain[:20] + b"".join(segment(0xE1, each) for each in segments) + plain[20:]
    assert read_header(data).orientation == orientation
    assert read_header(strip_metadata(data)).orientation == orientation
