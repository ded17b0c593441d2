"""HEIC and AVIF made to take long, or damaged at random: refused at once, by documented errors."""

import struct

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from common.errors import InputFault
from common.images.formats import read_header, strip_metadata
from tests.support.images.heif_files import (
    Coded,
    Layout,
    Part,
    av1,
    box,
    full_box,
    grid,
    heic,
    heif,
    hevc,
    ispe,
    part,
)
from tests.support.images.pictures import animation, encode, exif, picture
from tests.support.images.slow_files import parse, takes_little_cpu

SIZE = (64, 64)
MANY = 4 << 20  # bytes
CODED = av1(picture(size=SIZE))
CODES = {"image_empty", "image_format_not_allowed", "image_malformed", "image_truncated"}
START = box(b"ftyp", b"avif\0\0\0\0mif1avif")


def with_meta(*boxes: bytes) -> bytes:
    return START + full_box(b"meta", *boxes) + box(b"mdat")


def swapped(kind: bytes, payload: bytes) -> bytes:
    """A good file whose first box of a type, in `meta`, has another payload."""
    data = heif([part(CODED, SIZE)])
    place = data.index(kind) - 4
    end = place + int.from_bytes(data[place : place + 4], "big")
    meta = data.index(b"meta") + 8
    stop = data.index(b"mdat") - 4
    return with_meta(data[meta:place] + box(kind, payload) + data[end:stop])


def nested(depth: int) -> bytes:
    data = b""
    for _ in range(depth):
        data = box(b"iprp", data)
    return data


TILE = part(CODED._replace(data=b"x" * 4600), SIZE)
UNITS = Coded(b"hvc1", box(b"hvcC", bytes(21) + b"\0\0"), b"\1" * MANY)
HOSTILE = {
    "empty boxes": START + box(b"free") * (MANY // 8),
    "empty boxes in meta": with_meta(box(b"free") * (MANY // 8)),
    "boxes in boxes": with_meta(nested(20_000)),
    "items": swapped(b"iinf", bytes(4) + b"\xff\xff" + bytes(MANY)),
    "places of items": swapped(b"iloc", struct.pack(">IBBI", 2 << 24, 0, 0, 2**32 - 1)),
    "extents of no bytes": swapped(b"iloc", struct.pack(">IBBH", 0, 0, 0, 4000)
                                   + struct.pack(">HHH", 1, 0, 65_535) * 4000),
    "extents": swapped(b"iloc", struct.pack(">IBBHHHH", 0, 0x44, 0, 1, 1, 0, 65_535)
                       + struct.pack(">II", 0, 9) * 65_535),
    "properties of items": swapped(b"iprp", box(b"ipco", ispe(*SIZE)) + full_box(
        b"ipma", struct.pack(">I", 2**32 - 1), (struct.pack(">HB", 1, 255) + b"\1" * 255) * 9999)),
    "properties": swapped(b"iprp", box(b"ipco", box(b"free") * (MANY // 8))),
    "references": heif([part(CODED, SIZE)], ((b"dimg", 1, (1,) * 65_535),) * 30),
    "tiles of many units": heif([grid(20, 44, (64, 64)), *[TILE] * 880],
                                ((b"dimg", 1, tuple(range(2, 882))),), Layout(2)),
    "units": heif([part(UNITS, SIZE)]),
    "one property for all": heif([grid(20, 44, (64, 64)), *[part(
        CODED, SIZE, box(b"free", bytes(1 << 12)))] * 880],
        ((b"dimg", 1, tuple(range(2, 882))),), Layout(2)),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_a_file_made_to_take_long_does_not(name: str) -> None:
    with takes_little_cpu():
        parse(HOSTILE[name], CODES)


WIDE = picture(size=(128, 64))
FILES = [
    encode(picture("RGBA"), "AVIF", exif=exif(6)),
    heic(picture("RGBA"), exif=exif(7).tobytes()),
    animation("AVIF", 2),
    heif(
        [grid(1, 2, (100, 64)), *[part(CODED, SIZE)] * 2, Part(b"Exif", b"at home")],
        ((b"dimg", 1, (2, 3)), (b"cdsc", 4, (1,))),
        Layout(2, 3, base=True),
    ),
    heif([part(hevc(WIDE), WIDE.size)], layout=Layout(1, data_first=True)),
]


@st.composite
def mutations(draw: st.DrawFn) -> bytes:
    """A file with bytes set, flipped, cut out or doubled; mostly in its tables."""
    data = bytearray(draw(st.sampled_from(FILES)))
    for _ in range(draw(st.integers(1, 5))):
        last = max(0, len(data) - 1)
        place = draw(st.integers(0, min(700, last)) | st.integers(0, last))
        match draw(st.sampled_from(["set", "flip", "cut", "end", "double", "large"])):
            case "set":
                data[place : place + 1] = bytes([draw(st.integers(0, 255))])
            case "flip" if data:
                data[place] ^= 1 << draw(st.integers(0, 7))
            case "cut":
                del data[place : place + draw(st.integers(1, 40))]
            case "end":
                del data[place:]
            case "double":
                data[place:place] = data[place : place + draw(st.integers(1, 300))]
            case _:
                data[place : place + 4] = b"\xff\xff\xff\xff"
    return bytes(data)


@pytest.mark.fuzz
@settings(deadline=None, max_examples=1500, database=None,
          suppress_health_check=[HealthCheck.too_slow])  # fmt: skip
@given(mutations())
def test_a_damaged_file_gets_a_header_or_a_documented_refusal(data: bytes) -> None:
    try:
        header = read_header(data)
    except InputFault as fault:
        assert fault.code in CODES
        return
    assert header.width > 0 and header.height > 0 and 1 <= header.orientation <= 8
    if not header.complete:
        with pytest.raises(InputFault):
            strip_metadata(data)
        return
    stripped = strip_metadata(data)
    assert read_header(stripped) == header
    assert strip_metadata(stripped) is stripped
