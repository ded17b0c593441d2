"""Stripping takes the metadata and nothing else."""

import struct
from typing import Any

import pytest
from PIL import Image, ImageOps, ImageSequence

from common.errors import InputFault
from common.images.formats import read_header, strip_metadata
from common.images.formats.bmp import embedded_profile
from tests.support.images.pictures import (
    GPS,
    ORIENTATION,
    XMP,
    animation,
    bmp,
    decode,
    encode,
    every_kind,
    exif,
    photographs,
    picture,
)

SECRETS = (b"Maker", b"at home", b"GPSLatitude", b"Photoshop", b"tEXt", b"tIME", b"trailing")


def frames(data: bytes) -> list[tuple[str, bytes, Any]]:
    """Of every frame the mode, the stored pixels and what of them is transparent."""
    return [
        (frame.mode, frame.tobytes(), frame.info.get("transparency"))
        for frame in ImageSequence.Iterator(decode(data))
    ]


def same_pixels(one: bytes, other: bytes) -> bool:
    """Stored and upright, in every frame."""
    upright = [turned(data) for data in (one, other)]
    return (
        frames(one) == frames(other)
        and upright[0].size == upright[1].size
        and upright[0].tobytes() == upright[1].tobytes()
    )


def turned(data: bytes) -> Image.Image:
    """By the orientation that browsers go by, which is in no XMP packet and no text chunk."""
    image = decode(data)
    image.load()
    image.getexif()[ORIENTATION] = read_header(data).orientation
    return ImageOps.exif_transpose(image)


def test_pixels_orientation_and_profile_stay_and_metadata_goes() -> None:
    for name, data in {**every_kind(), **photographs()}.items():
        stripped = strip_metadata(data + b"trailing bytes")
        before, after = decode(data), decode(stripped)
        assert same_pixels(data, stripped), name
        assert read_header(stripped) == read_header(data), name
        tags = after.getexif()
        if after.format != "TIFF":  # its directory also describes the pixels, see test_tiff.py
            assert set(tags) <= {ORIENTATION} and not tags.get_ifd(GPS), name
        assert before.info.get("icc_profile") == after.info.get("icc_profile"), name
        assert not {"xmp", "comment", "XML:com.adobe.xmp", "photoshop"} & set(after.info), name
        assert not any(secret in stripped for secret in SECRETS), name


def test_what_is_clean_is_given_back_itself() -> None:
    for name, data in every_kind().items():
        stripped = strip_metadata(data)
        assert strip_metadata(stripped) is stripped, name
    for form in ("JPEG", "PNG", "GIF", "WEBP", "BMP"):
        data = encode(picture(), form)
        assert strip_metadata(data) is data


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("orientation", range(2, 9))
def test_an_orientation_is_all_that_is_left_of_exif(form: str, orientation: int) -> None:
    stripped = strip_metadata(encode(picture(), form, exif=exif(orientation), xmp=XMP % 1))
    assert dict(decode(stripped).getexif()) == {ORIENTATION: orientation}


def test_exif_stands_behind_jfif_and_is_flagged_in_a_webp() -> None:
    data = encode(picture(), "JPEG", exif=exif(6))
    assert strip_metadata(data)[2:4] == b"\xff\xe0" and strip_metadata(data)[20:22] == b"\xff\xe1"
    for orientation, flags in ((6, 0x08), (1, 0)):
        data = encode(picture(), "WEBP", exif=exif(orientation), xmp=XMP % 1)
        assert data[20] == 0x0C and strip_metadata(data)[20] == flags


def test_every_application_segment_goes_but_those_that_colour_the_picture() -> None:
    data = encode(picture("CMYK"), "JPEG", icc_profile=bytes(300), exif=exif(6))
    assert b"Adobe" in data
    extra = b"".join(
        struct.pack(">BBH", 0xFF, marker, 2 + len(payload)) + payload
        for marker, payload in (
            (0xE0, b"JFXX\0\x10 at home"),
            (0xE1, b"http://ns.adobe.com/xmp/extension/\0 at home"),
            (0xE2, b"MPF\0 at home"),
            (0xEB, b"JP at home"),
            (0xED, b"Photoshop 3.0\0 at home"),
            (0xEF, b"at home"),
            (0xFE, b"at home"),
        )
    )
    scan = data.index(b"\xff\xda")
    dirty = data[:2] + extra + data[2:scan] + b"\xff\xff" + extra + data[scan:]
    assert strip_metadata(dirty) == strip_metadata(data)
    assert b"Adobe" in strip_metadata(data)


def test_what_follows_a_segment_is_not_read_as_its_identifier() -> None:
    data = encode(picture(), "JPEG")
    for marker, identifier in ((0xE0, b"JFIF\0"), (0xE2, b"ICC_PROFILE\0"), (0xEE, b"Adobe")):
        empty = struct.pack(">BBH", 0xFF, marker, 2)
        assert strip_metadata(data[:2] + empty + identifier + data[2:]) == data


def test_a_motion_photo_and_a_second_picture_go_with_the_trailer() -> None:
    first = encode(picture(), "JPEG")
    second = encode(picture(), "JPEG", exif=exif(1))
    assert strip_metadata(first + second) == first
    assert strip_metadata(first + b"....ftypmp42") == first
    both = encode(picture(), "MPO", save_all=True, append_images=[picture()], exif=exif(6))
    assert decode(strip_metadata(both)).format == "JPEG"


def test_xmp_in_a_gif_goes_and_its_repetitions_stay() -> None:
    data = animation("GIF", 3)
    magic = b"\x01" + bytes(range(255, -1, -1)) + b"\0"  # how XMP gets past readers of sub-blocks
    block = b"!\xff\x0bXMP DataXMP" + XMP % 1 + magic
    place = data.index(b"!\xff\x0bNETSCAPE2.0")
    dirty = data[:place] + block + b"!\xfe\x07at home\0" + data[place:]
    assert decode(dirty).info["loop"] == 0
    assert strip_metadata(dirty) == data


def test_a_gif_without_a_trailer_is_left_so_and_one_with_junk_gets_it_back() -> None:
    data = encode(picture("P"), "GIF")
    bare = data[:-1]
    assert strip_metadata(bare) is bare
    assert strip_metadata(bare + b"junk") == data


def test_a_bmp_keeps_its_embedded_profile_and_its_length_is_put_right() -> None:
    data = encode(picture(), "BMP")
    stripped = strip_metadata(data + b"at home")
    assert stripped == data
    profile = b"colours"
    header = bytearray(124)
    header[:40] = struct.pack("<I", 124) + data[18:54]
    header[56:60], header[112:120] = b"DEBM", struct.pack("<II", len(data) + 70, len(profile))
    start = struct.pack("<2sIII", b"BM", len(data) + 84 + len(profile), 0, 138)
    whole = start + header + data[54:] + profile
    assert strip_metadata(whole) is whole
    assert strip_metadata(whole + b"at home") == whole


def test_a_file_that_is_not_whole_is_not_stripped() -> None:
    for form in ("JPEG", "PNG", "WEBP", "BMP"):
        with pytest.raises(InputFault) as caught:
            strip_metadata(encode(picture(), form, exif=exif(6))[:-1])
        assert caught.value.code == "image_truncated"


@pytest.mark.parametrize("depth", [1, 8, 24, 32])
def test_a_gap_before_the_pixels_of_a_bmp_goes(depth: int) -> None:
    clean = bmp(depth, 30)
    start = int.from_bytes(clean[10:14], "little")
    gap = b"at home" * 10
    moved = struct.pack("<2sI4sI", b"BM", len(clean) + 70, b"home", start + len(gap))
    stripped = strip_metadata(moved + clean[14:start] + gap + clean[start:])
    assert b"home" not in stripped
    assert frames(stripped) == frames(clean)
    assert stripped[:14] == struct.pack("<2sIII", b"BM", len(clean), 0, start)


def test_a_palette_that_true_colours_do_not_need_goes_with_the_gap() -> None:
    clean = bmp(24, 30)
    palette = b"at home." * 10
    head = bytearray(clean[14:54])
    head[32:36] = struct.pack("<I", 20)
    moved = struct.pack("<2sIII", b"BM", len(clean) + 80, 0, 54 + 80) + head + palette + clean[54:]
    assert strip_metadata(moved) == clean


def test_a_profile_of_a_bmp_moves_with_the_pixels() -> None:
    profile = b"colours"
    data = encode(picture(), "BMP")
    header = bytearray(124)
    header[:40] = struct.pack("<I", 124) + data[18:54]
    header[56:60] = b"DEBM"
    header[112:120] = struct.pack("<II", 124 + 50 + len(data) - 54, len(profile))
    start = struct.pack("<2sIII", b"BM", len(data) + 84 + 50 + len(profile), 0, 138 + 50)
    stripped = strip_metadata(start + header + b"secret at " * 5 + data[54:] + profile)
    assert b"secret" not in stripped
    assert embedded_profile(stripped) == profile
    assert frames(stripped) == frames(data)
