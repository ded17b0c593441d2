"""Thumbnails as files: upright, small, on white, in sRGB, without metadata, of every kind."""

import hashlib
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms
from sqlalchemy import Executable, delete, insert, update
from sqlalchemy.orm import Session

from common.database.session import Sessions, transact
from common.errors import InputFault, ModelUnavailable
from common.storage import open_storage
from common.tables import StoredObject
from common.tasks.thumbnail import CONTRACT, SIZES, thumbnail_key
from engine.decoding.decoder import Decoder
from engine.detections.face_detector import FaceDetector
from engine.pixels import fitting
from engine.tasks.thumbnail import ThumbnailRunner, object_is_kept
from tests.support.images.pictures import decode, encode, every_kind, exif, picture

WIDE = picture(size=(1600, 1000))


def no_detector() -> FaceDetector:
    """The model is not installed."""
    raise ModelUnavailable("It is not installed.")


@pytest.fixture
def work(tmp_path: Path) -> ThumbnailRunner:
    storage = open_storage(f"file://{tmp_path}/objects")
    return ThumbnailRunner(storage, Decoder(40_000_000, 40_000_000), lambda _: True, no_detector)


def made(work: ThumbnailRunner, data: bytes, folder: Path, size: int = 256) -> Image.Image:
    """What lies in the store afterwards."""
    params = CONTRACT.check_params({"size": size})
    [result] = work.run([work.prepare(data, params)], [params])
    assert CONTRACT.result().validate(result) == {}
    stored = folder / "objects" / thumbnail_key(hashlib.sha256(data).digest(), size)
    image = decode(stored.read_bytes())
    image.load()
    assert (result["width"], result["height"]) == image.size
    assert result["bytes"] == stored.stat().st_size
    assert (image.format, image.mode) == ("JPEG", "RGB")
    return image


@pytest.mark.parametrize("size", SIZES)
def test_the_longer_side_is_what_was_asked_for(
    work: ThumbnailRunner, tmp_path: Path, size: int
) -> None:
    assert made(work, encode(WIDE, "JPEG"), tmp_path, size).size == (size, round(size / 1.6))
    upright = WIDE.transpose(Image.Transpose.ROTATE_90)
    assert made(work, encode(upright, "PNG"), tmp_path, size).size == (round(size / 1.6), size)


@pytest.mark.parametrize("name", [*every_kind()])
def test_an_image_of_every_kind_has_one_without_metadata(
    work: ThumbnailRunner, tmp_path: Path, name: str
) -> None:
    thumbnail = made(work, every_kind()[name], tmp_path)
    assert sorted(thumbnail.size) == [45, 67], "no larger than the image is"
    assert not thumbnail.getexif()
    assert thumbnail.info.keys() <= {"jfif", "jfif_version", "jfif_unit", "jfif_density",
                                     "progressive", "progression"}  # fmt: skip


@pytest.mark.parametrize("orientation", range(1, 9))
def test_it_stands_upright(work: ThumbnailRunner, tmp_path: Path, orientation: int) -> None:
    corner = Image.new("RGB", (320, 160), "black")
    corner.paste("red", (0, 0, 160, 80))
    plain = made(work, encode(corner, "PNG"), tmp_path, 64)
    turn = {1: None, 2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}[orientation]  # its own inverse's
    stored = corner if turn is None else corner.transpose(Image.Transpose(turn))
    data = encode(stored, "JPEG", exif=exif(orientation), quality=95)
    thumbnail = made(work, data, tmp_path, 64)
    assert thumbnail.size == plain.size == (64, 32)
    assert distance(thumbnail, plain) < 6


def distance(image: Image.Image, other: Image.Image) -> float:
    """Mean difference of the values, 0 to 255."""
    difference = np.asarray(image, np.int16) - np.asarray(other, np.int16)
    return float(np.abs(difference).mean())


@pytest.mark.parametrize(("form", "mode"), [("PNG", "RGBA"), ("PNG", "LA"), ("WEBP", "RGBA")])
def test_what_is_transparent_is_white_and_hides_its_colour(
    work: ThumbnailRunner, tmp_path: Path, form: str, mode: str
) -> None:
    image = Image.new("RGBA", (400, 400), (0, 0, 0, 0))  # black, but nobody sees it
    image.paste((255, 255, 255, 255), (100, 100, 300, 300))
    thumbnail = made(work, encode(image.convert(mode), form), tmp_path, 64)
    assert np.asarray(thumbnail).min() > 245


def test_colours_are_those_of_the_profile(work: ThumbnailRunner, tmp_path: Path) -> None:
    plain = Image.new("RGB", (300, 200), (200, 80, 40))
    lab = ImageCms.createProfile("XYZ")
    broken = made(work, encode(plain, "PNG", icc_profile=b"none"), tmp_path)
    other = made(work, encode(plain, "PNG", icc_profile=profile_bytes(lab)), tmp_path)
    srgb = ImageCms.createProfile("sRGB")
    same = made(work, encode(plain, "PNG", icc_profile=profile_bytes(srgb)), tmp_path)
    for thumbnail in (broken, other, same):
        assert distance(thumbnail, Image.new("RGB", (256, 171), (200, 80, 40))) < 3
    swapped = made(work, encode(plain, "PNG", icc_profile=red_for_blue()), tmp_path)
    red, _, blue = np.asarray(swapped)[50, 50]
    assert blue > red


def profile_bytes(profile: object) -> bytes:
    return ImageCms.ImageCmsProfile(profile).tobytes()  # type: ignore[arg-type]


def red_for_blue() -> bytes:
    """sRGB's profile with the places of its red and blue primaries exchanged."""
    data = profile_bytes(ImageCms.createProfile("sRGB"))
    return data.replace(b"rXYZ", b"????").replace(b"bXYZ", b"rXYZ").replace(b"????", b"bXYZ")


@pytest.mark.parametrize(
    ("whole", "size", "small"),
    [((1280, 720), 256, (256, 144)), ((12_000, 16), 64, (64, 1)), ((16, 12_000), 256, (1, 256)),
     ((40, 30), 64, (40, 30)), ((64, 64), 64, (64, 64))],
)  # fmt: skip
def test_a_shape_is_kept(whole: tuple[int, int], size: int, small: tuple[int, int]) -> None:
    assert fitting(whole, size) == small


def test_what_cannot_be_decoded_is_the_images_fault(work: ThumbnailRunner) -> None:
    png = encode(picture(), "PNG")
    with pytest.raises(InputFault) as caught:
        work.prepare(png[:60] + bytes(40) + png[100:], {"size": 64})
    assert caught.value.code == "image_undecodable"


def run(session: Session, statement: Executable) -> None:
    session.execute(statement)


def test_a_thumbnail_of_an_image_that_is_deleted_meanwhile_does_not_stay(
    sessions: Sessions, tmp_path: Path
) -> None:
    data = encode(picture(), "PNG")
    digest = hashlib.sha256(data).digest()
    storage, params = open_storage(f"file://{tmp_path}/objects"), {"size": 64}
    is_kept = partial(object_is_kept, sessions)
    work = ThumbnailRunner(storage, Decoder(10**6, 10**6), is_kept, no_detector)
    row = {"sha256": digest, "size": len(data), "media_type": "image/png", "state": "ready"}
    transact(sessions, lambda session: session.execute(insert(StoredObject), [row]))
    prepared = work.prepare(data, params)
    work.run([prepared], [params])
    assert [entry.key for entry in storage.list("thumbnails")] == [thumbnail_key(digest, 64)]
    for gone in (
        update(StoredObject).values(state="deleting"),
        update(StoredObject).values(state="deleted"),
        delete(StoredObject),
    ):
        transact(sessions, partial(run, statement=gone))
        work.run([prepared], [params])
        assert not list(storage.list("thumbnails"))
