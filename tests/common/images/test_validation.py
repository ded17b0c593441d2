"""What may come in, and with which answer the rest is sent away."""

import base64
import random
import re
import tracemalloc
import unicodedata
from dataclasses import FrozenInstanceError

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from common.errors import AfterimageError, InputFault, TooLarge, UnsupportedMedia
from common.images.formats import Header
from common.images.validation import Limits, check, check_text, clean_file_name, decode_base64
from tests.support.images.pictures import (
    animation,
    encode,
    every_kind,
    exif,
    photographs,
    picture,
    png,
)

LIMITS = Limits(max_bytes=10 << 20, max_pixels=40_000_000)
relaxed = settings(deadline=None)


def refusal(data: bytes, limits: Limits = LIMITS) -> AfterimageError:
    with pytest.raises(InputFault) as caught:
        check(data, limits)
    return caught.value


def test_every_accepted_kind_and_every_real_photograph_may_come_in() -> None:
    for name, data in {**every_kind(), **photographs()}.items():
        assert check(data, LIMITS).complete, name


def test_the_bytes_decide_and_the_header_is_given_back() -> None:
    data = encode(picture("RGB", (160, 90)), "JPEG", exif=exif(6))
    assert check(data, LIMITS) == Header("image/jpeg", 160, 90, orientation=6)


def test_limits_are_the_documented_ones_and_do_not_change() -> None:
    assert Limits(10 << 20, 40_000_000, min_side=16, max_side=12_000, max_frames=200) == LIMITS
    with pytest.raises(FrozenInstanceError):
        LIMITS.max_side = 1  # type: ignore[misc]


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "image_empty"),
        (b"hello", "image_format_not_allowed"),
        (b"%PDF-1.7", "image_format_not_allowed"),
        (png(50_000, 50_000), "image_too_many_pixels"),
        (png(2**31 - 1, 1), "image_too_many_pixels"),
        (png(8_000, 5_001), "image_too_many_pixels"),
        (png(12_001, 100), "image_dimensions"),
        (png(15, 100), "image_dimensions"),
        (png(100, 15), "image_dimensions"),
        (png(0, 100), "image_malformed"),
        (png(8_000, 5_000), "image_truncated"),
        (png(12_000, 16), "image_truncated"),
        (encode(picture(), "JPEG")[:900], "image_truncated"),
        (encode(picture(), "WEBP")[:-1], "image_truncated"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_the_size_is_refused_before_the_missing_end(data: bytes, code: str) -> None:
    assert refusal(data).code == code


@pytest.mark.parametrize("form", ["GIF", "PNG", "WEBP"])
def test_more_frames_than_allowed_are_refused_before_the_missing_end(form: str) -> None:
    data = animation(form, 4)
    assert check(data, Limits(10 << 20, 40_000_000, max_frames=4)).frames == 4
    few = Limits(10 << 20, 40_000_000, max_frames=3)
    assert refusal(data, few).code == "image_too_many_frames"
    if form == "PNG":  # it says at the start how many there are
        assert refusal(data[:-20], few).code == "image_too_many_frames"


def test_a_file_over_the_limit_is_too_large_whatever_it_is() -> None:
    limits = Limits(max_bytes=4, max_pixels=40_000_000)
    assert isinstance(refusal(b"hello", limits), TooLarge)
    assert refusal(b"hello", limits).code == "image_too_large"
    assert isinstance(refusal(b"hell", limits), UnsupportedMedia)


@relaxed
@given(st.binary(min_size=1))
@example(b"\xff\xef\xfe\xfb\xff\xbf")
def test_base64_of_any_bytes_is_decoded(data: bytes) -> None:
    for text in (base64.b64encode(data).decode(), base64.urlsafe_b64encode(data).decode()):
        assert decode_base64(text) == data
        assert decode_base64(f"data:image/png;base64,{text}") == data
        assert decode_base64(f" \n{text[:3]}\r\n\t {text[3:]}\n") == data
        lines = [text[at : at + 4] for at in range(0, len(text), 4)]
        for end in ("\n", "\r\n", "\r", "\n    "):
            assert decode_base64(end.join(lines)) == data


@pytest.mark.parametrize(
    "text",
    [
        "!!!!", "QQ", "QQ=", "Q===", "=", "====", "QQ==QQ==", "QQ===", "QUJD=", "QUJD====", "Q",
        "é", "QUI=QUI=", "QUJD\0", "QUJD\ud800", "+_+_", "QUJD,QUJD", "QUJD%3D", "data:",
        "data:image/png,QUJD", "data:;base64,!", "data:image/png;base64 ,QUJD",
        "QU JD", "QU    JDQUJD", "QUJD\tQUJD", "QUJD \nQUJD", "QUJD\nQUJD\n QUJD",
        "QUJD\n QUJD\nQUJD", "QUJD\x0bQUJD",
    ],
)  # fmt: skip
def test_what_is_not_base64_is_refused(text: str) -> None:
    with pytest.raises(InputFault) as caught:
        decode_base64(text)
    assert caught.value.code == "image_base64_invalid"


@pytest.mark.parametrize("text", ["", "  \n", "data:image/png;base64,", "data:image/png;base64, "])
def test_base64_of_nothing_is_an_empty_image(text: str) -> None:
    with pytest.raises(InputFault) as caught:
        decode_base64(text)
    assert caught.value.code == "image_empty"


@relaxed
@given(st.text(max_size=40) | st.text(st.sampled_from("AQg=+/-_ ;,")))
@example("data:;base64,")
def test_any_text_is_strict_base64_or_refused(text: str) -> None:
    groups = r"(?:[A-Za-z0-9%s]{4})*(?:[A-Za-z0-9%s]{2}==|[A-Za-z0-9%s]{3}=)?"
    compact = re.sub(r"[\r\n]", "", text.strip(" \t\r\n"))
    good = any(re.fullmatch(groups.replace("%s", pair), compact) for pair in ("+/", "_-"))
    try:
        assert decode_base64(text)
        assert good
    except InputFault as fault:
        assert not good or not compact
        assert fault.code in ("image_base64_invalid", "image_empty")


@pytest.mark.parametrize("text", ["", "Grüße", "日本 🏳️‍🌈", "a\u200db", "x" * 100_000])
def test_a_text_without_control_characters_is_given_back(text: str) -> None:
    assert check_text(text, "name") is text


@pytest.mark.parametrize("text", ["a\0", "\x1b[31m", "\x7f", "\x85", "\ud800", "a\udfffb", "\r"])
def test_a_text_with_one_is_refused_and_named(text: str) -> None:
    with pytest.raises(InputFault, match=r"^name must not contain .* U\+") as caught:
        check_text(text, "name")
    assert caught.value.code == "text_invalid"
    caught.value.detail.encode()  # the answer can be sent


def test_a_text_of_several_lines_may_have_line_ends_and_tabs_only() -> None:
    assert check_text("a\r\n\tb", "text", lines=True) == "a\r\n\tb"
    with pytest.raises(InputFault):
        check_text("a\nb\0", "text", lines=True)
    with pytest.raises(InputFault):
        check_text("a\nb", "text")


@pytest.mark.parametrize(
    ("name", "clean"),
    [
        ("cat.jpg", "cat.jpg"),
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\me\\cat.jpg", "cat.jpg"),
        ("a/b\\c/d.png", "d.png"),
        (" cat.jpg\n", "cat.jpg"),
        ("cafe\u0301.jpg", "café.jpg"),
        ("a" * 300 + ".jpeg", "a" * 250 + ".jpeg"),
        ("a" * 300, "a" * 255),
        ("a." + "b" * 300, "a." + "b" * 253),
        ("." + "b" * 300, "." + "b" * 254),
        (".jpg", ".jpg"),
        (None, "image.png"),
        ("", "image.png"),
        ("photos/", "image.png"),
        ("..", "image.png"),
        (" . ", "image.png"),
    ],
)
def test_a_file_name_is_a_base_name_of_bearable_length(name: str | None, clean: str) -> None:
    assert clean_file_name(name, "image/png") == clean


@pytest.mark.parametrize(
    ("name", "clean"),
    [
        ("\u00c3\u0089cole.jpg", "\u00c3cole.jpg"),
        ("Icon\r", "Icon"),
        ("a\tb\x00.jpg", "ab.jpg"),
        ("caf\udce9.jpg", "caf\ufffd.jpg"),
        ("\u202egpj.exe", "gpj.exe"),
        ("\x00\x1f", "image.png"),
        ("a" + "\u0301" * 10_000 + ".jpg", "\u00e1" + "\u0301" * 29 + ".jpg"),
        ('👩\u200d🔬 "x".jpg', '👩\u200d🔬 "x".jpg'),
    ],
)
def test_an_image_is_never_lost_for_its_name(name: str, clean: str) -> None:
    assert clean_file_name(name, "image/png") == clean


def test_a_plus_that_became_a_space_is_never_another_image() -> None:
    """`a+b` in a form that is not percent-encoded arrives as `a b`."""
    tried = 0
    for number in range(5_000):
        data = random.Random(number).randbytes(300)
        text = base64.b64encode(data).decode()
        if text.count("+") % 4 == 0 and "+" in text:
            tried += 1
            lines = [text[at : at + 76] for at in range(0, len(text), 76)]
            for sent in (text, "\r\n".join(lines)):
                with pytest.raises(InputFault) as caught:
                    decode_base64(sent.replace("+", " "))
                assert caught.value.code == "image_base64_invalid"
    assert tried > 500


def test_wrapped_base64_costs_a_multiple_of_its_length() -> None:
    text = "\n".join("QUJD" * 1_000_000)
    tracemalloc.start()
    try:
        assert len(decode_base64(text)) == 3_000_000
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 8 * len(text)


def test_a_file_name_without_a_known_type_has_no_extension() -> None:
    assert clean_file_name(None) == "image"


@relaxed
@given(st.text(st.characters()) | st.text(st.sampled_from("a./\\\u0301 \u212b\u0958")))
@example("\u0958" * 5000 + ".jpg")
@example("a" * 1100 + ".x\u0301")
def test_any_file_name_is_cleaned_for_good(name: str) -> None:
    clean = clean_file_name(name)
    assert 1 <= len(clean) <= 255
    assert not set("/\\\0\n") & set(clean)
    assert unicodedata.is_normalized("NFC", clean)
    assert clean_file_name(clean) == clean
    assert clean.strip() == clean and clean.strip(".")
