"""HEIC and AVIF: what their boxes say, in every layout that the specification allows."""

import struct

import pytest

from common.errors import InputFault, UnsupportedMedia
from common.images.formats import Header, read_header, strip_metadata
from common.images.validation import Limits, check
from tests.support.images.heif_files import (
    Coded,
    Layout,
    Link,
    Part,
    av1,
    box,
    clap,
    full_box,
    grid,
    heic,
    heif,
    imir,
    irot,
    ispe,
    part,
)
from tests.support.images.pictures import XMP, animation, encode, exif, picture

SIZE = (67, 45)
CODED, TINY = av1(picture()), picture(size=(20, 18))
ALPHA = full_box(b"auxC", b"urn:mpeg:mpegB:cicp:systems:auxiliary:alpha\0")
LIMITS = Limits(10 << 20, 40_000_000)


def single(*properties: bytes) -> bytes:
    return heif([part(CODED, SIZE, *properties)])


def tiles(
    number: int, size: tuple[int, int], shown: tuple[int, int], coded: Coded = CODED
) -> bytes:
    parts = [grid(1, number, shown), *[part(coded, size)] * number]
    return heif(parts, ((b"dimg", 1, tuple(range(2, number + 2))),), Layout(1))


def refusal(data: bytes) -> str:
    with pytest.raises(InputFault) as caught:
        check(data, LIMITS)
    return caught.value.code


@pytest.mark.parametrize("version", [0, 1, 2])
@pytest.mark.parametrize("cuts", [1, 7])
@pytest.mark.parametrize("base", [False, True])
@pytest.mark.parametrize("data_first", [False, True])
def test_every_layout_is_read(version: int, cuts: int, base: bool, data_first: bool) -> None:
    layout = Layout(version, cuts, base, data_first=data_first)
    data = heif([part(CODED, SIZE)], layout=layout)
    assert read_header(data) == Header("image/avif", *SIZE)
    assert strip_metadata(data) == strip_metadata(single())


def test_bytes_may_be_in_the_box_idat() -> None:
    stored = part(CODED, SIZE)._replace(in_idat=True)
    assert strip_metadata(heif([stored], layout=Layout(1))) == strip_metadata(single())


@pytest.mark.parametrize("orientation", range(1, 9))
def test_encoders_turn_pictures_by_properties(orientation: int) -> None:
    of_avif = read_header(encode(picture(), "AVIF", exif=exif(orientation)))
    assert of_avif == Header("image/avif", *SIZE, orientation=orientation)
    of_heic = read_header(heic(picture(), exif=exif(orientation).tobytes()))
    assert (of_heic.width, of_heic.height, of_heic.orientation) == (*SIZE, orientation)


def test_exif_and_xmp_do_not_turn_a_picture() -> None:
    block = exif(6).tobytes().removeprefix(b"Exif\0\0")
    item = Part(b"Exif", bytes(4) + block)
    data = heif([part(CODED, SIZE), item], ((b"cdsc", 2, (1,)),))
    assert read_header(data).orientation == 1
    assert read_header(encode(picture(), "AVIF", xmp=XMP % 6)).orientation == 1


@pytest.mark.parametrize(
    ("properties", "orientation"),
    [
        ((irot(1), imir(1)), 7),
        ((imir(1), irot(1)), 5),
        ((imir(0), irot(1)), 7),
        ((irot(2), irot(1)), 6),
        ((imir(0), imir(1)), 3),
        ((irot(0),), 1),
    ],
)
def test_the_order_of_the_properties_counts(
    properties: tuple[bytes, ...], orientation: int
) -> None:
    assert read_header(single(*properties)).orientation == orientation


@pytest.mark.parametrize(
    ("properties", "size"),
    [
        ((clap(40, 30, (0, 1), (0, 1)),), (40, 30)),
        ((clap(40, 30, (0, 1), (0, 1)), irot(1)), (40, 30)),
        ((irot(1), clap(40, 30, (0, 1), (0, 1))), (30, 40)),
        ((clap(40, 30, (0, 1), (0, 1)), clap(20, 20, (0, 1), (0, 1))), (20, 20)),
        ((clap(40, 30, (-27, 2), (15, 2)),), (40, 30)),
        ((clap(500, 30, (0, 1), (0, 1)),), (67, 30)),
    ],
)
def test_a_crop_gives_the_size_before_turning(
    properties: tuple[bytes, ...], size: tuple[int, int]
) -> None:
    header = read_header(single(*properties))
    assert (header.width, header.height) == size
    assert header.pixels == 67 * 45, "the decoder handles all of them"


def test_a_crop_outside_the_picture_is_malformed() -> None:
    assert refusal(single(clap(10, 10, (500, 1), (0, 1)))) == "image_malformed"
    assert refusal(single(clap(0, 10, (0, 1), (0, 1)))) == "image_malformed"


def test_a_grid_has_the_size_that_it_shows() -> None:
    header = read_header(tiles(3, SIZE, (180, 45)))
    assert header == Header("image/avif", 180, 45, pixels=3 * 67 * 45)


@pytest.mark.parametrize(
    "data",
    [
        tiles(3, SIZE, (202, 45)),
        heif([grid(1, 2, SIZE), part(CODED, SIZE)], ((b"dimg", 1, (2,)),), Layout(1)),
        heif([grid(1, 1, SIZE)], (), Layout(1)),
        heif([grid(1, 1, SIZE), part(CODED, SIZE)], ((b"dimg", 1, (9,)),), Layout(1)),
        heif([grid(1, 1, SIZE)], ((b"dimg", 1, (1,)),), Layout(1)),
        heif([grid(1, 1, SIZE)._replace(properties=(ispe(9, 9),)), part(CODED, SIZE)],
             ((b"dimg", 1, (2,)),), Layout(1)),
        heif([part(CODED, SIZE)._replace(properties=(ispe(*SIZE),))]),
        heif([part(CODED, SIZE)._replace(properties=(CODED.configuration,))]),
        heif([part(CODED._replace(data=b""), SIZE)]),
        single().replace(b"pitm", b"mtip"),
        single().replace(b"iloc\0", b"iloc\3"),
        box(b"ftyp", b"heic\0\0\0\0") + box(b"mdat", b"x"),
    ],
    ids=range(12),
)  # fmt: skip
def test_a_file_that_contradicts_itself_is_malformed(data: bytes) -> None:
    assert refusal(data) == "image_malformed"


@pytest.mark.parametrize("kind", [b"avc1", b"unci", b"jpeg", b"\xff\xfe\0x"])
def test_another_coding_is_refused_by_name(kind: bytes) -> None:
    with pytest.raises(UnsupportedMedia, match="accepted are HEIC"):
        read_header(heif([part(Coded(kind, b"", b"x"), SIZE)]))


def test_a_property_that_must_be_understood_and_is_not_is_refused() -> None:
    data = single(box(b"abcd"))
    assert read_header(data) == Header("image/avif", *SIZE)
    place = data.index(b"ipma") + 4 + 4 + 4 + 2 + 1
    essential = data[: place + 2] + bytes([data[place + 2] | 0x80]) + data[place + 3 :]
    with pytest.raises(UnsupportedMedia, match="abcd"):
        read_header(essential)


def test_a_sequence_counts_for_its_still_picture() -> None:
    assert read_header(animation("AVIF", 3)) == Header("image/avif", *SIZE)
    with pytest.raises(UnsupportedMedia, match="sequence"):
        read_header(box(b"ftyp", b"avis\0\0\0\0avis") + box(b"moov", bytes(40)))


@pytest.mark.parametrize(
    "data",
    [encode(TINY, "AVIF"), heic(TINY), tiles(2, SIZE, (120, 45), av1(TINY))],
    ids=["AVIF", "HEIC", "grid"],
)
def test_a_file_cut_at_any_byte_is_truncated(data: bytes) -> None:
    for length in range(1, len(data)):
        code = "image_format_not_allowed" if length < 12 else "image_truncated"
        assert refusal(data[:length]) == code, length


def test_a_file_is_cut_although_its_picture_is_whole() -> None:
    data = heif([part(CODED, SIZE), Part(b"Exif", bytes(500))])
    assert read_header(data).complete
    assert not read_header(data[:-400]).complete


@pytest.mark.parametrize(
    "trailer", [b"\0\0trailing bytes\xff\xd8\xff", b"SEFT", bytes(9), b"\xff" * 40]
)
def test_bytes_behind_the_last_box_do_not_matter(trailer: bytes) -> None:
    for data in (encode(picture(), "AVIF"), heic(picture())):
        assert read_header(data + trailer) == read_header(data)


def with_size(data: bytes, width: int, height: int) -> bytes:
    """The file with another size in its first `ispe`."""
    place = data.index(b"ispe") + 8
    return data[:place] + struct.pack(">II", width, height) + data[place + 8 :]


@pytest.mark.parametrize("data", [single(), heic(picture())], ids=["AVIF", "HEIC"])
@pytest.mark.parametrize("size", [(50_000, 50_000), (2**32 - 1, 2**32 - 1)])
def test_a_size_that_is_claimed_is_refused(data: bytes, size: tuple[int, int]) -> None:
    assert refusal(with_size(data, *size)) == "image_too_many_pixels"


@pytest.mark.parametrize("form", ["AVIF", "HEIC"])
def test_the_size_within_the_coded_picture_counts_too(form: str) -> None:
    image = picture(size=(512, 256))
    data = encode(image, "AVIF", speed=10) if form == "AVIF" else heic(image, 20)
    small = with_size(data, 64, 64)
    assert read_header(small).pixels == 512 * 256
    with pytest.raises(InputFault, match="stored as 131,072"):
        check(small, Limits(10 << 20, 130_000))


def test_tiles_and_transparency_of_many_pixels_are_refused() -> None:
    huge = part(CODED, (12_000, 12_000))
    alpha = huge._replace(properties=(*huge.properties, ALPHA))
    assert refusal(heif([part(CODED, SIZE), alpha], ((b"auxl", 2, (1,)),))) == (
        "image_too_many_pixels"
    )
    tiled = heif([grid(1, 1, SIZE), huge], ((b"dimg", 1, (2,)),), Layout(1))
    assert refusal(tiled) == "image_too_many_pixels"


LINKS: tuple[Link, ...] = ((b"dimg", 1, (2,) * 250), (b"dimg", 2, (3,) * 250))


def test_parts_used_over_and_over_are_refused() -> None:
    """Each use is a decode: 62,500 here."""
    outer, inner = grid(250, 1, (67, 45)), grid(250, 1, (67, 45))
    code = refusal(heif([outer, inner, part(CODED, SIZE)], LINKS, Layout(1)))
    assert code == "image_malformed"
