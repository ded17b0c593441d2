"""What is known of a JPEG without a pass over its picture data."""

from typing import Any

import pytest

from common.images.formats import read_header, read_start
from tests.support.images.pictures import EOI, SOI, encode, picture, segment


def test_the_start_of_a_jpeg_of_one_scan_is_read_without_its_end() -> None:
    data = encode(picture(), "JPEG")
    assert read_start(data[:-2]) == read_header(data)
    assert not read_start(encode(picture(), "JPEG", progressive=True)[:-2]).complete


@pytest.mark.parametrize(
    ("by_rows", "options"),
    [
        (True, {}),
        (True, {"subsampling": 0, "restart_marker_rows": 1}),
        (False, {"progressive": True}),
    ],
)
@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
def test_a_jpeg_of_one_scan_decodes_by_rows(
    mode: str, by_rows: bool, options: dict[str, Any]
) -> None:
    data = encode(picture(mode), "JPEG", **options)
    assert read_header(data).decodes_by_rows is by_rows
    assert read_start(data).decodes_by_rows is by_rows


def test_a_scan_of_some_components_does_not_decode_by_rows() -> None:
    three = b"\3\1\x11\0\2\x11\0\3\x11\0"
    start = SOI + segment(0xC0, b"\x08\0\x1e\0\x28" + three)
    one, all_three = b"\1\1\0\0\x3f\0", b"\3\1\0\2\0\3\0\0\x3f\0"
    assert not read_header(start + segment(0xDA, one) + EOI).decodes_by_rows
    assert read_header(start + segment(0xDA, all_three) + EOI).decodes_by_rows


def test_a_later_scan_of_all_components_does_not_end_the_search() -> None:
    three = b"\3\1\x11\0\2\x11\0\3\x11\0"
    one, all_three = b"\1\1\0\0\x3f\0", b"\3\1\0\2\0\3\0\0\x3f\0"
    data = SOI + segment(0xC0, b"\x08\0\x1e\0\x28" + three) + segment(0xDA, one)
    data += segment(0xDA, all_three) + EOI
    assert read_header(data).complete
    assert read_start(data) == read_header(data)
