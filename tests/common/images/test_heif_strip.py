"""Of a HEIC or AVIF only the picture is left: the rest is gone, byte for byte."""

import struct

import pytest

from common.images.formats import read_header, strip_metadata
from tests.support.images.heif_files import (
    Layout,
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
    part,
)
from tests.support.images.pictures import XMP, animation, encode, exif, picture

SIZE = (67, 45)
SECRET = b"52.5 N 13.4 E, at home"
CODED = av1(picture())
COLOURS = box(b"colr", b"nclx", struct.pack(">HHHB", 12, 13, 6, 128))


def dirty() -> bytes:
    """A picture with everything around it that a phone may write, and more."""
    parts = [
        part(CODED, SIZE, irot(1), imir(0), clap(60, 40, (0, 1), (0, 1)), COLOURS,
             box(b"uuid", bytes(16), SECRET), full_box(b"udes", SECRET)),
        Part(b"Exif", bytes(4) + SECRET),
        Part(b"mime", SECRET),
        part(CODED._replace(data=SECRET), (8, 8)),
    ]  # fmt: skip
    links = ((b"cdsc", 2, (1,)), (b"cdsc", 3, (1,)), (b"thmb", 4, (1,)))
    before = box(b"free", SECRET) + box(b"uuid", bytes(16), SECRET)
    data = heif(parts, links, Layout(1, before=before))
    return data + box(b"mpvd", SECRET * 9) + box(b"moov", SECRET) + SECRET


def test_everything_but_the_picture_goes() -> None:
    data = dirty()
    stripped = strip_metadata(data)
    assert data.count(SECRET) >= 16 and SECRET not in stripped
    for kind in (b"Exif", b"mime", b"thmb", b"cdsc", b"uuid", b"udes", b"free", b"mpvd", b"moov"):
        assert kind in data or kind == b"moov"
        assert kind not in stripped, kind
    for kind in (b"irot", b"imir", b"clap", b"nclx"):
        assert kind in stripped, kind
    assert read_header(stripped) == read_header(data)
    assert CODED.data in stripped


def test_what_is_clean_is_given_back_itself() -> None:
    for data in (dirty(), encode(picture(), "AVIF"), heic(picture("RGBA")), animation("AVIF", 2)):
        stripped = strip_metadata(data)
        assert strip_metadata(stripped) is stripped


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA"])
@pytest.mark.parametrize("orientation", [1, 6, 7])
def test_files_of_encoders_lose_their_place(mode: str, orientation: int) -> None:
    place, profile = exif(orientation), bytes(200)
    avif = encode(picture(mode), "AVIF", exif=place, xmp=XMP % 1, icc_profile=profile)
    made = heic(picture(mode), exif=exif(orientation).tobytes(), xmp=XMP % 1, thumbnails=[32])
    for data in (avif, made):
        stripped = strip_metadata(data + b"trailing bytes")
        assert b"GPSLatitude" in data and b"Maker" in data
        for secret in (b"GPS", b"Maker", b"Exif", b"rdf", b"trailing", b"thmb"):
            assert secret not in stripped, secret
        assert read_header(stripped).orientation == orientation
        assert (b"prof" in stripped) is (b"prof" in data)


def test_tiles_that_share_their_bytes_still_do() -> None:
    tile = part(CODED, SIZE)
    parts = [grid(1, 3, (180, 45)), tile, tile, tile]
    data = heif(parts, ((b"dimg", 1, (2, 3, 4)),), Layout(1))
    place = data.index(b"iloc") + 12  # of four items with one extent each, 16 bytes an entry
    entries = [data[place + 16 * n : place + 16 * (n + 1)] for n in range(4)]
    shared = [entries[1][:2] + entries[1][2:], *(entries[n][:2] + entries[1][2:] for n in (2, 3))]
    data = data[: place + 16] + b"".join(shared) + data[place + 64 :]
    stripped = strip_metadata(data)
    assert stripped.count(CODED.data) == 1
    assert read_header(stripped) == read_header(data)
