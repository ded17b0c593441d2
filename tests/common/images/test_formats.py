"""What a header says of a file: format, size, frames, orientation, whether the file is whole."""

import struct

import pytest

from common.errors import InputFault
from common.images.formats import Header, exif, read_header, read_start
from tests.support.images.pictures import (
    EOI,
    ORIENTATION,
    RAW_EXIF,
    SCAN,
    SOI,
    animation,
    bmp,
    decode,
    encode,
    every_kind,
    frame,
    photographs,
    picture,
    png,
    segment,
)

# No browser takes an orientation from here.
NOT_TURNED = ("XMP", "XML:com.adobe.xmp", RAW_EXIF)


def test_every_kind_is_read_as_pillow_reads_it_and_turned_as_browsers_turn_it() -> None:
    for name, data in every_kind().items():
        image = decode(data)
        frames = getattr(image, "n_frames", 1)
        image.load()
        orientation = image.getexif().get(ORIENTATION, 1)
        if any(place in name for place in NOT_TURNED):
            orientation = 1
        expected = Header(
            f"image/{str(image.format).lower()}",
            *image.size,
            frames,
            orientation if 1 <= orientation <= 8 else 1,
        )
        assert read_header(data) == expected, name
        assert read_start(data) == expected, name


def test_real_photographs_are_read_as_pillow_reads_them() -> None:
    for name, data in photographs().items():
        header = read_header(data)
        assert (header.width, header.height) == decode(data).size, name
        assert header.complete, name


def test_a_picture_for_two_eyes_is_its_first_jpeg() -> None:
    data = encode(picture(), "MPO", save_all=True, append_images=[picture()])
    assert read_header(data) == Header("image/jpeg", 67, 45)


@pytest.mark.parametrize(
    ("orientation", "size"), [(1, (4, 3)), (4, (4, 3)), (5, (3, 4)), (8, (3, 4))]
)
def test_the_upright_size_swaps_the_sides_of_a_picture_that_lies(
    orientation: int, size: tuple[int, int]
) -> None:
    assert Header("image/jpeg", 4, 3, orientation=orientation).upright_size == size


def test_half_a_file_is_not_complete() -> None:
    for name, data in {**every_kind(), **photographs()}.items():
        if name.startswith("GIF") and name.endswith("animated"):
            continue  # may be cut between two frames, see below
        whole = read_header(data)
        try:
            half = read_header(data[: len(data) // 2])
        except InputFault as fault:  # the size stands behind a long profile
            assert fault.code == "image_truncated", name
        else:
            assert not half.complete, name
            assert (half.width, half.height) == (whole.width, whole.height), name


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "BMP"])
def test_a_file_less_its_last_byte_is_not_complete(form: str) -> None:
    assert not read_header(encode(picture(), form)[:-1]).complete


def test_a_gif_may_lack_its_trailer_but_no_part_of_a_block() -> None:
    data = animation("GIF", 3)
    assert read_header(data[:-1]) == read_header(data)
    assert not read_header(data[:-2]).complete


def test_what_follows_the_end_does_not_matter() -> None:
    for name, data in every_kind().items():
        assert read_header(data + b"\0\0trailing bytes\xff\xd8\xff") == read_header(data), name


def test_an_end_marker_inside_a_segment_does_not_end_a_jpeg() -> None:
    thumbnail = segment(0xE1, b"Exif\0\0" + EOI + SCAN + EOI)
    data = SOI + thumbnail + frame(40, 30) + SCAN
    assert not read_header(data).complete
    assert read_header(data + EOI) == Header("image/jpeg", 40, 30)


def test_a_jpeg_may_have_fill_bytes_junk_and_many_scans() -> None:
    tables = segment(0xC4, bytes(20)) + b"\xff\xff" + segment(0xDB, bytes(65))
    data = SOI + b"\xff\xff" + tables + b"junk\xff\x00" + frame(40, 30) + SCAN + tables + SCAN
    assert read_header(data + b"\xff\xff" + EOI) == Header("image/jpeg", 40, 30)


@pytest.mark.parametrize("around", range(-3, 4))
def test_an_end_marker_is_found_wherever_it_stands(around: int) -> None:
    data = SOI + frame(40, 30) + SCAN + bytes((1 << 18) - 8 + around)
    assert not read_header(data).complete
    assert read_header(data + EOI).complete


def test_exif_counts_before_the_first_scan_only() -> None:
    block = segment(0xE1, b"Exif\0\0" + exif.minimal(6))
    assert read_header(SOI + block + frame(40, 30) + SCAN + EOI).orientation == 6
    assert read_header(SOI + frame(40, 30) + SCAN + block + SCAN + EOI).orientation == 1


def test_an_empty_exif_segment_does_not_hide_the_next_one() -> None:
    empty, turned = segment(0xE1, b"Exif\0\0"), segment(0xE1, b"Exif\0\0" + exif.minimal(6))
    rest = frame(40, 30) + SCAN + EOI
    assert read_header(SOI + empty + turned + rest).orientation == 6
    useless = segment(0xE1, b"Exif\0\0" + b"MM\0*")
    assert read_header(SOI + useless + turned + rest).orientation == 1


def ifd(order: str, kind: int, count: int, value: bytes, more: bytes = b"") -> bytes:
    """A TIFF with a nonsensical tag and an Orientation."""
    start = {"<": b"II*\0", ">": b"MM\0*"}[order] + struct.pack(f"{order}IH", 8, 2)
    nonsense = struct.pack(f"{order}HHII", 0x010F, 2, 99, 2**32 - 1)
    return start + nonsense + struct.pack(f"{order}HHI4s", 0x0112, kind, count, value) + more


@pytest.mark.parametrize(
    ("tiff", "orientation"),
    [
        (ifd("<", 3, 1, b"\6\0"), 6),
        (ifd(">", 3, 1, b"\0\6"), 6),
        (ifd("<", 4, 1, b"\6\0\0\0"), 1),
        (ifd(">", 4, 1, b"\0\0\0\6"), 1),
        (b"Exif\0\0" + ifd("<", 3, 1, b"\6\0"), 1),
        (b"II\0*" + ifd("<", 3, 1, b"\6\0")[4:], 1),
        (ifd("<", 3, 1, b"\6\0", ifd("<", 3, 1, b"\3\0")), 6),
        (ifd("<", 3, 1, b"\0\0"), 1),
        (ifd("<", 3, 1, b"\x09\0"), 1),
        (ifd("<", 3, 2, b"\6\0"), 1),
        (ifd("<", 3, 2**32 - 1, b"\6\0"), 1),
        (ifd("<", 7, 1, b"\6\0"), 1),
        (ifd("<", 3, 1, b"\6\0")[:-1], 1),
        (b"II*\0\xff\xff\xff\xff", 1),
        (b"II*\0", 1),
        (b"no TIFF at all", 1),
        (b"", 1),
    ],
)
def test_an_orientation_is_read_and_whatever_is_odd_is_upright(
    tiff: bytes, orientation: int
) -> None:
    assert exif.orientation(tiff) == orientation


@pytest.mark.parametrize("marker", [0xC1, 0xC2, 0xC3, 0xC9, 0xCA, 0xCB])
def test_whether_a_kind_of_jpeg_can_be_decoded_is_left_to_the_decoder(marker: int) -> None:
    data = SOI + frame(40, 30, marker, bits=12) + SCAN + EOI
    assert read_header(data) == Header("image/jpeg", 40, 30)


def test_a_jpeg_may_give_its_height_after_the_first_scan() -> None:
    start, lines = SOI + frame(40, 0) + SCAN, segment(0xDC, b"\0\x1e")
    for read in (read_header, read_start):
        assert read(start + lines + EOI) == Header("image/jpeg", 40, 30)
    with pytest.raises(InputFault) as caught:
        read_header(start)
    assert caught.value.code == "image_truncated"


def test_a_size_is_known_although_nothing_else_is_there() -> None:
    header = read_header(png(50_000, 50_000)[:24])
    assert (header.width, header.height, header.complete) == (50_000, 50_000, False)
    with pytest.raises(InputFault) as caught:
        read_header(png(50_000, 50_000)[:23])
    assert caught.value.code == "image_truncated"


def test_the_first_frame_stretches_the_screen_of_a_gif() -> None:
    data = bytearray(encode(picture("P"), "GIF"))
    data[6:10] = bytes(4)
    place = 13 + 3 * 256
    assert data[place : place + 5] == b",\0\0\0\0"
    data[place + 1], data[place + 3] = 5, 7  # left, top
    assert decode(bytes(data)).size == (72, 52)
    assert read_header(bytes(data)) == Header("image/gif", 72, 52)


@pytest.mark.parametrize("depth", [1, 4, 8, 16, 24, 32])
@pytest.mark.parametrize("height", [30, -30])
def test_a_bmp_of_any_depth_and_direction_is_read(depth: int, height: int) -> None:
    data = bmp(depth, height)
    assert decode(data).size == (40, 30)
    assert read_header(data) == Header("image/bmp", 40, 30)
    assert not read_header(data[:-1]).complete


def test_a_bmp_whose_pixels_have_no_given_place_has_them_behind_palette_and_masks() -> None:
    core = struct.pack("<2sIIIIHHHH", b"BM", 0, 0, 0, 12, 40, 30, 1, 8) + bytes(3 * 256 + 40 * 30)
    masked, palette = bytearray(bmp(16, 30, 3)), bytearray(bmp(4, 30))
    masked[10:14] = palette[10:14] = bytes(4)
    for data in (core, bytes(masked), bytes(palette)):
        decode(data).load()
        assert read_header(data).complete
        assert not read_header(data[:-1]).complete


def test_a_bmp_with_masks_run_lengths_or_the_header_of_os2_is_read() -> None:
    core = struct.pack("<2sIIIIHHHH", b"BM", 0, 0, 26, 12, 40, 30, 1, 24) + bytes(120 * 30)
    for data in (bmp(16, 30, 3), bmp(8, 30, 1, b"\x28\0\0\0" * 30 + b"\0\1"), core):
        decode(data).load()
        assert read_header(data) == Header("image/bmp", 40, 30)
        assert not read_header(data[:-1]).complete
