"""The answers to bad and to unusual images."""

import base64
import json
import struct
import zlib
from functools import cache
from typing import Any

import pytest
import requests
from PIL import Image as Pillow

from tests.support.abuse.bad_requests import (
    IMAGES,
    INFERENCE,
    PHOTO,
    PREDICTIONS,
    check_problem,
    form,
    post,
)
from tests.support.http.raw import JPEG, JSON, exchange, file
from tests.support.images.heif_files import heic
from tests.support.images.pictures import decode, encode, exif, photographs, picture
from tests.support.servers.backends import missing

PNG, WEBP = encode(picture(), "PNG"), encode(picture(), "WEBP")
AVIF, HEIC = encode(picture(), "AVIF"), heic(picture())
TIFF = encode(picture(), "TIFF", compression="tiff_deflate")
CAT = "cat_720p.jpg"

FOREIGN = {
    "text": b"Dear diary, " * 99,
    "HTML": b"<!doctype html><html><body>cat</body></html>",
    "SVG": b'<svg xmlns="http://www.w3.org/2000/svg"><path d="M0 0"/></svg>',
    "PDF": b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n",
    "ZIP": b"PK\3\4" + bytes(99),
    "MP4": b"\0\0\0\x18ftypisom\0\0\2\0isomiso2" + bytes(99),
    "TIFF of a camera": encode(picture(), "TIFF", tiffinfo={50706: b"\1\4\0\0"}),
    "PSD": b"8BPS\0\1" + bytes(99),
    "ICO": b"\0\0\1\0\1\0" + bytes(99),
    "JPEG 2000": b"\0\0\0\x0cjP  \r\n\x87\n" + bytes(99),
    "AVIF without a still picture": b"\0\0\0\x14ftypavis\0\0\0\0avis\0\0\0\x08moov",
    "HEIC coded in H.264": HEIC.replace(b"hvc1", b"avc1"),
    "ELF": b"\x7fELF" + bytes(99),
    "one byte": b"\xff",
}
CUT = {
    "half a JPEG": PHOTO[: len(PHOTO) // 2],
    "a JPEG less its last byte": PHOTO[:-1],
    "half a PNG": PNG[: len(PNG) // 2],
    "a WebP less its last byte": WEBP[:-1],
    "half a TIFF": TIFF[: len(TIFF) // 2],
    "a TIFF less its last byte": TIFF[:-1],
    "half a HEIC": HEIC[: len(HEIC) // 2],
    "a HEIC less its last byte": HEIC[:-1],
    "an AVIF less its last byte": AVIF[:-1],
}
ENDLESS = {"a JPEG and a trailer": PHOTO + b"trailer", "a PNG and a trailer": PNG + bytes(99)}


def png_header(width: int, height: int) -> bytes:
    """A PNG that claims a size and holds no pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        check = zlib.crc32(kind + data)
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", check)

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    pixels = chunk(b"IDAT", zlib.compress(b""))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + pixels + chunk(b"IEND", b"")


SIZES = {
    (50_000, 50_000): "image_too_many_pixels",
    (2**31 - 1, 1): "image_too_many_pixels",
    (2**31 - 1, 2**31 - 1): "image_too_many_pixels",
    (8_000, 5_001): "image_too_many_pixels",
    (15, 100): "image_dimensions",
    (100, 1): "image_dimensions",
    (12_001, 100): "image_dimensions",
}


def refuse(url: str, data: bytes, status: int, code: str) -> None:
    """Every way in must refuse these bytes alike."""
    wrapped = json.dumps({"name": "a", "data": base64.b64encode(data).decode()}).encode()
    for sent in (
        post(data, IMAGES, JPEG),
        post(wrapped, IMAGES, JSON),
        form(file(data)),
        post(data, PREDICTIONS + "?task=classify", JPEG),
        post(wrapped, INFERENCE, {"Content-Type": "text/plain"}),
    ):
        assert check_problem(exchange(url, sent), status)["code"] == code


def test_no_bytes_are_no_image(url: str) -> None:
    refuse(url, b"", 422, "image_empty")


@pytest.mark.parametrize("kind", FOREIGN)
def test_what_is_no_accepted_image_is_refused(url: str, kind: str) -> None:
    refuse(url, FOREIGN[kind], 415, "image_format_not_allowed")


@pytest.mark.parametrize("kind", CUT)
def test_a_file_that_is_cut_short_is_refused(url: str, kind: str) -> None:
    refuse(url, CUT[kind], 422, "image_truncated")


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_a_size_beyond_the_limits_is_refused(url: str, size: tuple[int, int]) -> None:
    refuse(url, png_header(*size), 422, SIZES[size])


def test_more_than_200_frames_are_refused(url: str) -> None:
    frames = [Pillow.new("L", (16, 16), n) for n in range(201)]
    refuse(url, film(frames), 422, "image_too_many_frames")


def film(frames: list[Pillow.Image], form: str = "GIF") -> bytes:
    return encode(frames[0], form, save_all=True, append_images=frames[1:])


@pytest.mark.parametrize("data", ["!!!!", "abc", "ab==cd==", "YQ", "data:image/png,abc", "é", "\0"])
@pytest.mark.parametrize("path", [IMAGES, INFERENCE])
def test_bad_base64_is_refused(url: str, path: str, data: str) -> None:
    answer = exchange(url, post(json.dumps({"data": data}).encode(), path))
    said = check_problem(answer, 422)
    assert (said["code"], list(said["errors"])) == ("image_base64_invalid", ["data"])


@pytest.mark.parametrize("data", ["", "  \n", "data:image/png;base64,"])
@pytest.mark.parametrize("path", [IMAGES, INFERENCE])
def test_empty_base64_is_no_image(url: str, path: str, data: str) -> None:
    answer = exchange(url, post(json.dumps({"data": data}).encode(), path))
    assert check_problem(answer, 422)["code"] == "image_empty"


def ask(url: str, data: bytes, **params: Any) -> requests.Response:
    """Classify an image while the caller waits."""
    sent = {"task": "classify", "params": json.dumps(params)}
    files = {"file": ("a", data)}
    return requests.post(f"{url}{PREDICTIONS}?wait=30", data=sent, files=files, timeout=60)


def label(url: str, data: bytes) -> str:
    answer = ask(url, data)
    assert answer.status_code == 200, answer.text
    assert answer.json()["status"] == "succeeded", answer.text
    return str(answer.json()["result"]["labels"][0]["name"])


@cache
def photograph() -> Pillow.Image:
    if CAT not in photographs():
        missing("there are no photographs: neither IMAGES_DIR nor ../shared/images")
    whole = decode(photographs()[CAT]).convert("RGB")
    whole.thumbnail((480, 480))
    return whole


@pytest.mark.parametrize("kind", ENDLESS)
def test_what_follows_the_end_does_not_matter(url: str, kind: str) -> None:
    assert ask(url, ENDLESS[kind]).status_code == 200


@pytest.mark.parametrize("declared", ["image/png", "image/svg+xml", "application/octet-stream"])
def test_the_bytes_decide_whatever_was_declared(url: str, declared: str) -> None:
    headers = {"Content-Type": declared}
    answer = requests.post(url + IMAGES, data=PHOTO, headers=headers, timeout=30)
    assert (answer.status_code, answer.json()["media_type"]) == (201, "image/jpeg")


def test_what_passes_the_door_and_does_not_decode_fails_once(url: str) -> None:
    broken = PNG[:60] + bytes(40) + PNG[100:]
    waited = ask(url, broken)
    assert check_json(waited, 422)["code"] == "image_undecodable"
    row = requests.get(url + waited.headers["Location"], timeout=30).json()
    assert (row["status"], row["attempts"]) == ("failed", 1)
    assert row["error"]["code"] == "image_undecodable"
    posted = requests.post(f"{url}{PREDICTIONS}?task=classify", files={"file": broken}, timeout=30)
    assert posted.status_code == 202
    shown = requests.get(f"{url}{posted.headers['Location']}?wait=30", timeout=60)
    assert (shown.status_code, shown.json()["status"]) == (200, "failed")


def check_json(answer: requests.Response, status: int) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"
    said: dict[str, Any] = answer.json()
    return said


@pytest.mark.parametrize(
    ("mode", "form"),
    [("L", "JPEG"), ("CMYK", "JPEG"), ("P", "PNG"), ("RGBA", "PNG"), ("I;16", "PNG"), ("P", "GIF"),
     ("L", "BMP"), ("RGB", "BMP"), ("RGBA", "WEBP"), ("1", "PNG")],
)  # fmt: skip
def test_every_mode_has_the_label_of_its_rgb_twin(url: str, mode: str, form: str) -> None:
    grey = photograph().convert("L")
    if mode == "I;16":
        # 257 takes 255 to 65,535: the same grey in 16 bits.
        unusual, twin = grey.convert("I").point(lambda value: value * 257).convert("I;16"), grey
    else:
        unusual = photograph().convert(mode)
        twin = unusual
    options: dict[str, Any] = {"transparency": 3} if (mode, form) == ("P", "PNG") else {}
    expected = label(url, encode(twin.convert("RGB"), "PNG"))
    assert label(url, encode(unusual, form, **options)) == expected


@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_orientation_is_turned_upright(url: str, orientation: int) -> None:
    back = {
        2: Pillow.Transpose.FLIP_LEFT_RIGHT, 3: Pillow.Transpose.ROTATE_180,
        4: Pillow.Transpose.FLIP_TOP_BOTTOM, 5: Pillow.Transpose.TRANSPOSE,
        6: Pillow.Transpose.ROTATE_90, 7: Pillow.Transpose.TRANSVERSE,
        8: Pillow.Transpose.ROTATE_270,
    }.get(orientation)  # fmt: skip
    stored = photograph().transpose(back) if back is not None else photograph()
    data = encode(stored, "JPEG", exif=exif(orientation), quality=95)
    assert label(url, data) == "Egyptian cat"
    image = requests.post(url + IMAGES, files={"file": data}, timeout=30).json()
    assert (image["width"], image["height"]) == photograph().size, "those of the upright image"


@pytest.mark.parametrize("form", ["GIF", "PNG", "WEBP"])
def test_the_first_frame_of_an_animation_counts(url: str, form: str) -> None:
    frames = [photograph(), picture("RGB", photograph().size)]
    assert label(url, film(frames, form)) == "Egyptian cat"


def test_the_content_says_no_more_where_it_was_taken(url: str) -> None:
    data = encode(photograph(), "JPEG", exif=exif(6))
    assert decode(data).getexif().get_ifd(0x8825)
    image = requests.post(url + IMAGES, files={"file": data}, timeout=30).json()
    content = requests.get(image["urls"]["content"], timeout=30)
    kept = decode(content.content).getexif()
    assert dict(kept) == {0x0112: 6}, "the orientation alone"
    assert not kept.get_ifd(0x8825)
    assert b"Maker" not in content.content
    assert list(decode(content.content).get_flattened_data()) == list(
        decode(data).get_flattened_data()
    ), "pixels untouched"
    assert image["size"] == len(data), "the original is kept"
