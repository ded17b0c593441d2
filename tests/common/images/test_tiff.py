"""TIFF: the first page, without the metadata around it; raw files and oddities are refused."""

import io
import struct
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image, TiffImagePlugin

from common.errors import InputFault, UnsupportedMedia
from common.images.formats import Header, read_header, strip_metadata
from common.images.validation import Limits, check
from engine.pixels import decode
from tests.support.images.pictures import XMP, encode, picture
from tests.support.images.slow_files import parse, takes_little_cpu

SIZE = (67, 45)
LIMITS = Limits(10 << 20, 40_000_000)
CODES = {"image_format_not_allowed", "image_malformed", "image_truncated"}


def tiff(mode: str = "RGB", **options: Any) -> bytes:
    return encode(picture(mode), "TIFF", **options)


def turned(orientation: int) -> bytes:
    return tiff(tiffinfo={271: "Maker", 274: orientation})


def refusal(data: bytes) -> str:
    with pytest.raises(InputFault) as caught:
        check(data, LIMITS)
    return caught.value.code


def directory(order: str, *entries: tuple[int, int, int, int]) -> bytes:
    """A TIFF of a directory alone: (tag, type, count, value or place)."""
    head = {"<": b"II*\0", ">": b"MM\0*"}[order] + struct.pack(f"{order}IH", 8, len(entries))
    body = []
    for tag, kind, count, value in entries:
        packed = struct.pack(f"{order}H", value) if kind == 3 else struct.pack(f"{order}I", value)
        body.append(struct.pack(f"{order}HHI", tag, kind, count) + packed.ljust(4, b"\0"))
    return head + b"".join(body) + bytes(4)


def grey(width: int, height: int, *more: tuple[int, int, int, int], order: str = "<") -> bytes:
    """Grey pixels in one strip behind the directory."""
    known = [(256, 4, 1, width), (257, 4, 1, height), (258, 3, 1, 8), (262, 3, 1, 1),
             (273, 4, 1, 0), (278, 4, 1, height), (279, 4, 1, width * height)]  # fmt: skip
    tags = {each[0]: each for each in (*known, *more)}
    length = len(directory(order, *tags.values()))
    if tags[273][3] == 0:
        tags[273] = (273, 4, 1, length)
    pixels = bytes(range(256)) * (min(width * height, 1 << 16) // 256 + 1)
    return directory(order, *(tags[tag] for tag in sorted(tags))) + pixels[: width * height]


@pytest.mark.parametrize("order", ["<", ">"])
def test_both_byte_orders_are_read(order: str) -> None:
    data = grey(40, 30, order=order)
    assert read_header(data) == Header("image/tiff", 40, 30)
    shown = np.asarray(decode(data, 9999, 9999))[..., 0]
    assert shown.tobytes() == data[-1200:]


def test_twelve_bits_are_shown_as_bright_as_eight() -> None:
    shades = np.arange(64, dtype=np.uint16).reshape(2, 32) * 65  # 0 to 4,095
    pairs = shades.reshape(-1, 2)
    packed = [pairs[:, 0] >> 4, (pairs[:, 0] & 15) << 4 | pairs[:, 1] >> 8, pairs[:, 1] & 255]
    strip = np.stack(packed, axis=1).astype(np.uint8).tobytes()
    head = grey(32, 2, (258, 3, 1, 12), (279, 4, 1, len(strip)))[: -32 * 2]
    seen = np.asarray(decode(head + strip, 32, 2))
    assert (seen == (shades >> 4)[:, :, None]).all()


@pytest.mark.parametrize("orientation", [*range(1, 9), 0, 9])
def test_it_is_turned_upright_once(orientation: int) -> None:
    data = turned(orientation)
    assert read_header(data).orientation == (orientation if 1 <= orientation <= 8 else 1)
    upright = Image.open(io_of(data))
    upright.load()  # which turns it
    shown = np.asarray(decode(data, 9999, 9999))
    assert (shown == np.asarray(upright)).all()
    assert (np.asarray(decode(strip_metadata(data), 9999, 9999)) == shown).all()


def io_of(data: bytes) -> io.BytesIO:
    return io.BytesIO(data)


def test_metadata_and_later_pages_go() -> None:
    info = TiffImagePlugin.ImageFileDirectory_v2()
    info[270] = "at home"  # the description
    info[700] = XMP % 1
    second = picture(seed=5)
    data = tiff(save_all=True, append_images=[second], tiffinfo=info, icc_profile=bytes(300))
    dirty = data + b"trailing bytes"
    stripped = strip_metadata(dirty)
    assert b"at home" in dirty and b"GPSLatitude" in dirty
    for secret in (b"at home", b"GPS", b"trailing"):
        assert secret not in stripped
    assert Image.open(io_of(stripped)).n_frames == 1  # type: ignore[attr-defined]
    assert Image.open(io_of(stripped)).info["icc_profile"] == bytes(300)
    assert read_header(dirty) == read_header(stripped) == Header("image/tiff", *SIZE)
    assert strip_metadata(stripped) is stripped
    assert b"Maker" in turned(6) and b"Maker" not in strip_metadata(turned(6))


@pytest.mark.parametrize("data", [tiff(), tiff(compression="tiff_lzw")], ids=["plain", "LZW"])
def test_a_file_cut_at_any_byte_is_truncated(data: bytes) -> None:
    for length in range(4, len(data), 7):
        assert refusal(data[:length]) == "image_truncated", length
    assert refusal(data[:-1]) == "image_truncated"


@pytest.mark.parametrize(
    "entry",
    [
        (50706, 1, 4, 1),
        (254, 4, 1, 1),
        (262, 3, 1, 32803),
        (262, 3, 1, 8),
        (259, 3, 1, 6),
        (259, 3, 1, 50001),
        (339, 3, 1, 3),
        (258, 3, 1, 32),
        (277, 3, 1, 9),
    ],
)
def test_raw_files_and_oddities_are_refused(entry: tuple[int, int, int, int]) -> None:
    with pytest.raises(UnsupportedMedia, match="send a TIFF of 8 or 16 bits"):
        read_header(grey(40, 30, entry))


def tiled(across: int, down: int) -> bytes:
    tiles = [(322, 4, 1, across), (323, 4, 1, down), (324, 4, 1, 300), (325, 4, 1, 9)]
    return grey(40, 30, *tiles)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (grey(50_000, 50_000), "image_too_many_pixels"),
        (tiled(65_520, 65_520), "image_too_many_pixels"),
        (tiled(0, 16), "image_malformed"),
        (grey(40, 30, (278, 4, 1, 1)), "image_malformed"),
        (grey(40, 30, (279, 4, 1, 2**32 - 1)), "image_truncated"),
        (grey(40, 30, (273, 4, 2**32 - 1, 8)), "image_truncated"),
        (grey(0, 30), "image_malformed"),
        (b"II*\0\x08\0\0\0\0\0" + bytes(99), "image_malformed"),
        (b"II*\0\xff\xff\xff\xff", "image_truncated"),
    ],
    ids=range(9),
)
def test_claims_are_checked(data: bytes, code: str) -> None:
    assert refusal(data) == code


MANY = 4 << 20
HOSTILE = {
    "entries": b"II*\0\x08\0\0\0\xff\xff" + bytes(MANY),
    "strips": directory("<", (256, 4, 1, 99), (257, 4, 1, 99), (273, 4, MANY // 4, 9),
                        (279, 4, MANY // 4, 9)) + bytes(MANY),
    "strips of all": directory("<", (256, 4, 1, 99), (257, 4, 1, 99), (278, 4, 1, 1),
                               (273, 4, 190_000, 9), (279, 4, 190_000, 9)) + b"\1\0\0\0" * 190_000,
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_a_file_made_to_take_long_does_not(name: str) -> None:
    with takes_little_cpu():
        parse(HOSTILE[name], CODES)


FILES = [tiff(), tiff("P"), tiff("1", compression="group4"), turned(6), grey(40, 30)]


@pytest.mark.fuzz
@settings(deadline=None, max_examples=1000, database=None,
          suppress_health_check=[HealthCheck.too_slow])  # fmt: skip
@given(st.sampled_from(FILES), st.data())
def test_a_damaged_file_gets_a_header_or_a_documented_refusal(
    file: bytes, draw: st.DataObject
) -> None:
    data, start = bytearray(file), int.from_bytes(file[4:8], "little")
    for _ in range(draw.draw(st.integers(1, 4))):
        near = st.integers(start, min(start + 200, len(data) - 1))
        place = draw.draw(near | st.integers(0, len(data) - 1))
        data[place] = draw.draw(st.integers(0, 255))
    try:
        header = read_header(bytes(data))
    except InputFault as fault:
        assert fault.code in CODES
        return
    if header.complete:
        stripped = strip_metadata(bytes(data))
        assert read_header(stripped) == header
        assert strip_metadata(stripped) is stripped
