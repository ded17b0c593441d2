"""Whatever bytes come: a header or a documented refusal; stripping never changes the picture."""

import warnings

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageFile

from common.errors import InputFault
from common.images.formats import Header, exif, read_header, read_start, strip_metadata
from common.images.formats.bare import bare_pixels
from tests.support.images.pictures import decode, every_kind, photographs

pytestmark = pytest.mark.fuzz

CODES = {"image_empty", "image_format_not_allowed", "image_malformed", "image_truncated"}
SMALL = 60_000  # bytes: photographs larger than this make the mutations slow
FILES = {
    name: data
    for name, data in (every_kind() | photographs()).items()
    # Pillow turns a TIFF by its EXIF, and shows the video of an AVIF; they have tests of their own.
    if len(data) < SMALL and not name.startswith(("TIFF", "AVIF"))
}

relaxed = settings(
    deadline=None, max_examples=300, suppress_health_check=[HealthCheck.too_slow], database=None
)


@st.composite
def mutations(draw: st.DrawFn) -> bytes:
    """A file with bytes set, bits flipped, parts cut out or a part of another file spliced in."""
    data = bytearray(FILES[draw(st.sampled_from(sorted(FILES)))])
    for _ in range(draw(st.integers(1, 4))):
        # Headers are where damage tells, so half of it is done there.
        last = max(0, len(data) - 1)
        place = draw(st.integers(0, min(200, last)) | st.integers(0, last))
        match draw(st.sampled_from(["set", "flip", "cut", "end", "splice"])):
            case "set":
                data[place : place + 1] = bytes([draw(st.integers(0, 255))])
            case "flip" if data:
                data[place] ^= 1 << draw(st.integers(0, 7))
            case "cut":
                del data[place : place + draw(st.integers(1, 40))]
            case "end":
                del data[place:]
            case _:
                other = FILES[draw(st.sampled_from(sorted(FILES)))]
                start = draw(st.integers(0, len(other) - 1))
                data[place:place] = other[start : start + draw(st.integers(1, 300))]
    return bytes(data)


def read(data: bytes) -> Header | None:
    try:
        return read_header(data)
    except InputFault as fault:
        assert fault.code in CODES
        return None


def strip(data: bytes) -> bytes | None:
    try:
        return strip_metadata(data)
    except InputFault as fault:
        assert fault.code in CODES
        return None


def pixels(data: bytes) -> tuple[tuple[int, int], str, bytes] | None:
    """(size, mode, pixels) of the first frame, by Pillow; None where it refuses."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            image = decode(data)
            if image.width * image.height > 1_000_000:
                return None
            return image.size, image.mode, image.tobytes()
        except Exception:  # Pillow has many ways to refuse
            return None


@relaxed
@given(st.binary(max_size=300))
@example(b"\xff\xd8\xff")
@example(b"\x89PNG")
@example(b"GIF89a")
@example(b"RIFF\0\0\0\0WEBP")
@example(b"BM" + bytes(12) + b"\x0c\0\0\0")
def test_any_bytes_get_a_header_or_a_refusal(data: bytes) -> None:
    read(data)
    strip(data)


@relaxed
@given(st.sampled_from([b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF89a", b"BM"]), st.binary())
def test_any_bytes_behind_a_signature_get_a_header_or_a_refusal(start: bytes, data: bytes) -> None:
    read(start + data)
    strip(start + data)


@relaxed
@given(mutations())
def test_a_damaged_file_gets_a_header_or_a_refusal(data: bytes) -> None:
    header = read(data)
    stripped = strip(data)
    if header is None:
        return
    assert header.width > 0 and header.height > 0 and header.frames > 0
    assert 1 <= header.orientation <= 8
    assert (stripped is not None) is header.complete
    if header.complete:
        assert read_start(data) == header
        assert read_start(data).decodes_by_rows is header.decodes_by_rows


@relaxed
@given(mutations())
def test_stripping_a_damaged_file_changes_no_pixel_that_can_be_seen(data: bytes) -> None:
    header, stripped = read(data), strip(data)
    if header is None or stripped is None:
        return
    assert strip_metadata(stripped) is stripped
    assert read_header(stripped) == header
    seen = pixels(data)
    if seen is not None:
        assert seen[0] == (header.width, header.height)
        assert pixels(stripped) == seen


@relaxed
@given(st.binary(max_size=200))
@example(exif.minimal(6))
@example(b"II*\0\xff\xff\xff\xff\xff\xff")
def test_any_exif_has_an_orientation(tiff: bytes) -> None:
    assert 1 <= exif.orientation(tiff) <= 8
    assert 1 <= exif.orientation(b"MM\0*\0\0\0\x08" + tiff) <= 8


@relaxed
@given(mutations())
def test_the_bare_pixels_of_a_damaged_file_are_those_of_the_file(data: bytes) -> None:
    header, seen = read(data), pixels(data)
    if header is None or seen is None or not header.complete:
        return
    if header.media_type in ("image/gif", "image/webp"):
        return  # a frame is cut out of its canvas; Pillow reads chunks that no header announces
    shown = pixels(bare_pixels(data, header).data)
    assert shown is not None and (shown[0], shown[2]) == (seen[0], seen[2])


def test_pillow_is_strict_here() -> None:
    """Else the comparisons above would compare pictures that were made up."""
    assert not ImageFile.LOAD_TRUNCATED_IMAGES
    with pytest.raises(OSError):
        decode(FILES["PNG RGB"][:200]).load()
    assert isinstance(decode(FILES["PNG RGB"]), Image.Image)
