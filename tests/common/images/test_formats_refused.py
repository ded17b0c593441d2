"""What is no image, or a broken one, is refused by name and at once."""

import struct
import zlib

import pytest

from common.errors import InputFault, UnsupportedMedia
from common.images.formats import read_header
from tests.support.images.pictures import (
    EOI,
    SCAN,
    SOI,
    bmp,
    chunk,
    encode,
    frame,
    picture,
    png,
    segment,
)
from tests.support.images.slow_files import parse, takes_little_cpu


def refusal(data: bytes) -> str:
    with pytest.raises(InputFault) as caught:
        read_header(data)
    return caught.value.code


@pytest.mark.parametrize(
    "body",
    [
        EOI,
        SCAN + EOI,
        frame(40, 30) + EOI,
        SCAN + frame(40, 30) + SCAN + EOI,
        frame(40, 30) + frame(40, 30) + SCAN + EOI,
        frame(40, 30) + SCAN + SOI + frame(40, 30) + SCAN + EOI,
        frame(40, 30) + b"\xff\xdb\0\1" + SCAN + EOI,
        frame(40, 30) + SCAN * 101 + EOI,
        segment(0xC0, b"\x08\0\x1e\0") + SCAN + EOI,
        frame(0, 30) + SCAN + EOI,
        frame(40, 0) + SCAN + EOI,
    ],
    ids=len,
)
def test_a_jpeg_that_contradicts_itself_is_malformed(body: bytes) -> None:
    assert refusal(SOI + segment(0xE0, b"JFIF\0") + body) == "image_malformed"


@pytest.mark.parametrize(
    "data",
    [
        png(40, 30, chunk(b"IEND")),
        png(0, 30, chunk(b"IDAT", b"x"), chunk(b"IEND")),
        b"\x89PNG\r\n\x1a\n" + chunk(b"IDAT", bytes(13)) + chunk(b"IEND"),
        png(40, 30, chunk(b"IDAT", b"x"), bytes(12)),
        b"\x89PNG\n\x1a\n" + png(40, 30)[8:],
        b"GIF89a\x28\0\x1e\0\0\0\0;",
        b"GIF89a\x28\0\x1e\0\0\0\0junk",
        b"RIFF\x04\0\0\0WEBPVP8X\x0a\0\0\0" + bytes(10),
        b"RIFF\x16\0\0\0WEBPVP8X\x0a\0\0\0" + bytes(10),
        b"RIFF\xff\0\0\0WEBPVP8X\x02\0\0\0" + bytes(300),
        b"RIFF\x1a\0\0\0WEBPABCD\x0a\0\0\0" + bytes(14),
    ],
    ids=len,
)
def test_a_file_that_contradicts_itself_is_malformed(data: bytes) -> None:
    assert refusal(data) == "image_malformed"


def test_a_bmp_around_another_format_is_not_accepted() -> None:
    assert refusal(bmp(24, 30, 4, b"\xff\xd8\xff")) == "image_format_not_allowed"


@pytest.mark.parametrize("depth", [0, 7, 48])
def test_a_bmp_of_an_unknown_depth_is_malformed(depth: int) -> None:
    assert refusal(bmp(depth, 30, 0, b"")) == "image_malformed"


def iso_media(*brands: bytes) -> bytes:
    return (
        struct.pack(">I", 16 + 4 * len(brands[1:]))
        + b"ftyp"
        + brands[0]
        + bytes(4)
        + b"".join(brands[1:])
    )


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (encode(picture(), "TIFF", big_tiff=True), "BigTIFF"),
        (encode(picture(), "ICO"), "ICO"),
        (encode(picture(), "JPEG2000"), "JPEG 2000"),
        (encode(picture(), "PDF"), "PDF"),
        (b"8BPS\0\1", "PSD"),
        (iso_media(b"isom", b"mp41"), "MP4"),
        (iso_media(b"crx ", b"isom"), "raw"),
        (b"PK\3\4\x14\0", "ZIP"),
        (b"RIFF\0\0\0\0WAVEfmt ", "RIFF"),
        (b'<?xml version="1.0"?>\n<!-- x -->\n<svg xmlns="http://www.w3.org/2000/svg"/>', "SVG"),
        (b"\xef\xbb\xbf<!DOCTYPE html><title>Hello</title>", "HTML"),
        (b"<?xml version='1.0'?><gpx/>", "XML"),
        ("Größe und Länge".encode()[:-3], "text"),
        (b"BMW is no bitmap", "text"),
        (b"a" * 4095 + "ö".encode(), "text"),
        (b"\xff\xfeh\0i\0", "text"),
        (b"\0\1\2\3garbage", "no image of a known format"),
        (b"\x89", "no image of a known format"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_refusal_names_what_was_sent_and_what_is_accepted(data: bytes, name: str) -> None:
    with pytest.raises(UnsupportedMedia, match=name) as caught:
        read_header(data)
    assert caught.value.code == "image_format_not_allowed"
    assert "JPEG, PNG, GIF, WebP, BMP, TIFF, HEIC and AVIF" in caught.value.detail


def test_no_bytes_are_an_empty_image() -> None:
    assert refusal(b"") == "image_empty"


SIZE = 4 << 20
GIF_FRAME = b"GIF89a\1\0\1\0\0\0\0,\0\0\0\0\1\0\1\0\0\2"
HOSTILE = {
    "JPEG, fill bytes": SOI + b"\xff" * SIZE,
    "JPEG, stuffed bytes": SOI + frame(40, 30) + SCAN + b"\xff\0" * (SIZE // 2),
    "JPEG, empty segments": SOI + segment(0xE1) * (SIZE // 4),
    "JPEG, empty scans": SOI + frame(40, 30) + segment(0xDA) * (SIZE // 4),
    "GIF, blocks of one byte": GIF_FRAME + b"\1\0" * (SIZE // 2),
    "GIF, empty extensions": GIF_FRAME + b"\0" + b"!\0\0" * (SIZE // 3),
    "PNG, empty chunks": png(40, 30) + chunk(b"IDAT") * (SIZE // 12),
    "PNG, inflated text": png(40, 30, chunk(b"zTXt", b"XML:com.adobe.xmp\0\0"
                                            + zlib.compress(bytes(100 << 20)))),
    "WebP, empty chunks": b"RIFF\xff\xff\xff\0WEBPVP8X\x0a\0\0\0" + bytes(10)
    + b"ABCD\0\0\0\0" * (SIZE // 8),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_a_file_made_to_take_long_does_not(name: str) -> None:
    with takes_little_cpu():
        parse(HOSTILE[name], ("image_truncated", "image_malformed"))
        if "empty" in name or "one byte" in name:
            assert refusal(HOSTILE[name]) == "image_malformed"
