"""Previews with blurred faces: none is found in them, and nothing else changes."""

import hashlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from common.errors import ModelUnavailable
from common.settings import Settings
from common.storage import Storage, open_storage
from common.tasks.thumbnail import CONTRACT, FACES, PREVIEW, digest_of_thumbnail, thumbnail_key
from engine.decoding.decoder import Decoder
from engine.detections.face_detector import Face, FaceDetector, open_detector
from engine.detections.hidden_faces import BLOCKS, THRESHOLD, head_of, hide_faces
from engine.models.catalogue import default_model
from engine.models.progress import Lines
from engine.models.pull import pull
from engine.tasks.thumbnail import ThumbnailRunner
from tests.engine.detections.face_pictures import FACE, PORTRAIT, composed
from tests.support.images.pictures import decode, encode, exif

PARAMS = CONTRACT.check_params({"size": PREVIEW, "blur": FACES})
SIDES = (2048, 1024, 640, 320, 160)


@pytest.fixture(scope="module")
def detector(mirror: str, tmp_path_factory: pytest.TempPathFactory) -> FaceDetector:
    folder = tmp_path_factory.mktemp("models")
    pull(default_model("faces"), folder, mirror, Lines())
    return open_detector(Settings.from_env({"MODEL_DIR": str(folder)}))


@pytest.fixture
def portrait(photographs: Mapping[str, bytes]) -> Image.Image:
    return decode(photographs[PORTRAIT]).convert("RGB")


@pytest.fixture
def storage(tmp_path: Path) -> Storage:
    return open_storage(f"file://{tmp_path}/objects")


def blurred(storage: Storage, detector: FaceDetector, data: bytes) -> Image.Image:
    """The preview that is stored of a file."""
    work = ThumbnailRunner(storage, Decoder(10**8, 10**8), lambda _: True, lambda: detector)
    work.run([work.prepare(data, PARAMS)], [PARAMS])
    key = thumbnail_key(hashlib.sha256(data).digest(), PREVIEW, FACES)
    assert [entry.key for entry in storage.list("thumbnails")] == [key]
    return decode(storage.get(key))


def count(detector: FaceDetector, image: Image.Image, threshold: float = 0.7) -> int:
    """How many faces the picture has as the task finds them, or at any other scale."""
    found = [detector.find(image, threshold)]
    found += [detector.find_at(image, side, threshold) for side in SIDES]
    return max(map(len, found))


def test_a_blurred_portrait_has_no_face(
    storage: Storage, detector: FaceDetector, portrait: Image.Image
) -> None:
    assert count(detector, portrait) == 1
    preview = blurred(storage, detector, encode(portrait, "PNG"))
    assert preview.size == portrait.size
    assert count(detector, preview, THRESHOLD) == 0


def test_faces_of_all_sizes_are_hidden_and_the_rest_is_not(
    storage: Storage, detector: FaceDetector, portrait: Image.Image
) -> None:
    picture = composed(portrait, [500, 200, 90, 40, 24], (3000, 2400))
    plain = picture.resize((2048, 1638))
    assert count(detector, plain) == 5
    preview = blurred(storage, detector, encode(picture, "PNG"))
    assert count(detector, preview) == 0
    difference = np.abs(np.asarray(preview, np.int16) - np.asarray(plain, np.int16))
    assert difference[1500:].mean() < 2, "without faces it is the same"


@pytest.mark.parametrize("orientation", [3, 6, 8])
def test_a_turned_portrait_is_hidden_where_it_is_shown(
    storage: Storage, detector: FaceDetector, portrait: Image.Image, orientation: int
) -> None:
    turn = {3: 3, 6: 2, 8: 4}[orientation]
    data = encode(portrait.transpose(Image.Transpose(turn)), "JPEG", exif=exif(orientation))
    preview = blurred(storage, detector, data)
    assert preview.size == portrait.size
    assert not preview.getexif()
    assert count(detector, preview) == 0
    center = np.asarray(preview)[FACE[1] : FACE[3], FACE[0] : FACE[2]].astype(float)
    assert np.abs(np.diff(center, axis=1)).mean() < 3, "eyes and mouth are gone"


def test_a_head_keeps_its_mean_colors_alone(detector: FaceDetector, portrait: Image.Image) -> None:
    """They are those of a few blocks, without an edge between them."""
    [face] = detector.find(portrait, 0.7)
    left, top, right, bottom = head_of(face, portrait.size)
    side = max(right - left, bottom - top) // BLOCKS * BLOCKS
    square = portrait.resize((side, side), box=(left, top, right, bottom))
    hidden = hide_faces(portrait, detector).crop((left, top, right, bottom))
    across = max(1, round((right - left) / (max(right - left, bottom - top) / BLOCKS)))
    colors = square.resize((across, BLOCKS), Image.Resampling.BOX).resize(hidden.size)
    assert np.abs(np.asarray(hidden, float) - np.asarray(colors, float)).mean() < 12
    assert np.abs(np.diff(np.asarray(hidden, float), axis=0)).max() < 12, "no edge is left"


def test_a_picture_without_faces_is_not_changed(
    detector: FaceDetector, photographs: Mapping[str, bytes]
) -> None:
    flower = decode(photographs["sunflower.bmp"]).convert("RGB")
    assert hide_faces(flower, detector).tobytes() == flower.tobytes()


class Insistent(FaceDetector):
    """Finds a face in the middle of every picture that has details."""

    def find(self, image: Image.Image, threshold: float) -> list[Face]:
        size = np.array([*image.size, *image.size], float)
        box = size * (0.4, 0.4, 0.6, 0.6)
        return [Face(0.9, box, np.zeros((5, 2)))]


def test_a_picture_whose_faces_stay_is_hidden_as_a_whole() -> None:
    noise = np.random.default_rng(1).integers(0, 255, (400, 400, 3), np.uint8)
    hidden = np.asarray(hide_faces(Image.fromarray(noise), Insistent(Path())), float)
    assert np.abs(np.diff(hidden, axis=0)).max() < 5
    assert np.abs(np.diff(hidden, axis=1)).max() < 5


def test_without_the_model_nothing_is_stored(storage: Storage, portrait: Image.Image) -> None:
    def missing() -> FaceDetector:
        raise ModelUnavailable("It is not installed.")

    work = ThumbnailRunner(storage, Decoder(10**8, 10**8), lambda _: True, missing)
    with pytest.raises(ModelUnavailable):
        work.prepare(encode(portrait, "PNG"), PARAMS)
    assert not list(storage.list("thumbnails"))
    plain = work.prepare(encode(portrait, "PNG"), {"size": PREVIEW})
    work.run([plain], [{"size": PREVIEW}])
    assert len(list(storage.list("thumbnails"))) == 1


def test_its_key_is_its_own_and_names_the_image() -> None:
    digest = bytes(range(32))
    assert thumbnail_key(digest, PREVIEW, FACES) != thumbnail_key(digest, PREVIEW)
    assert digest_of_thumbnail(thumbnail_key(digest, PREVIEW, FACES)) == digest
