"""The task `faces` with its real network: where the faces of real photographs are."""

import dataclasses
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from common.errors import InputFault, ModelUnavailable
from common.settings import Settings
from common.tasks import contract
from common.tasks.faces import FacePoints
from engine.detections.face_detector import Face, FaceDetector, detector_of
from engine.models.catalogue import default_model
from engine.models.letterbox import Frame
from engine.models.progress import Lines
from engine.models.pull import pull
from engine.tasks.faces import POINTS, FacesRunner, open_runner, to_view
from tests.engine.detections.face_pictures import FACE, PORTRAIT, composed
from tests.support.images.pictures import decode, encode, exif

WITHOUT_FACES = ("parrot.jpg", "sunflower.bmp", "cat_720p.jpg", "hot_dog.jpg", "pets.jpg")


@pytest.fixture(scope="module")
def settings(mirror: str, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    folder = tmp_path_factory.mktemp("models")
    pull(default_model("faces"), folder, mirror, Lines())
    return Settings.from_env({"MODEL_DIR": str(folder)})


@pytest.fixture(scope="module")
def runner(settings: Settings) -> FacesRunner:
    return open_runner(settings)


def find(runner: FacesRunner, data: bytes, **params: Any) -> dict[str, Any]:
    """The result as the engine would write it."""
    asked = contract("faces").check_params(params)
    [result] = runner.run([runner.prepare(data, asked)], [asked])
    assert contract("faces").result().validate(result) == {}
    return result


def iou(bbox: Sequence[float], box: Sequence[float]) -> float:
    """Of [x, y, width, height] and left, top, right, bottom."""
    x, y, width, height = bbox
    across = max(0.0, min(x + width, box[2]) - max(x, box[0]))
    down = max(0.0, min(y + height, box[3]) - max(y, box[1]))
    area = (box[2] - box[0]) * (box[3] - box[1])
    return across * down / (width * height + area - across * down)


def assert_upright(face: dict[str, Any]) -> None:
    """Eyes are above the nose and that above the mouth; the person's right is at our left."""
    x, y, width, height = face["bbox"]
    points = face["points"]
    assert all(x < px < x + width and y < py < y + height for px, py in points.values())
    eyes = points["right_eye"][1], points["left_eye"][1]
    mouth = points["mouth_right"][1], points["mouth_left"][1]
    assert max(eyes) < points["nose"][1] < min(mouth)
    assert points["right_eye"][0] < points["nose"][0] < points["left_eye"][0]
    assert points["mouth_right"][0] < points["mouth_left"][0]


def test_the_face_of_a_portrait_is_found(
    runner: FacesRunner, photographs: Mapping[str, bytes]
) -> None:
    result = find(runner, photographs[PORTRAIT])
    assert (result["width"], result["height"]) == decode(photographs[PORTRAIT]).size
    [face] = result["faces"]
    assert face["score"] > 0.9
    assert iou(face["bbox"], FACE) > 0.8
    assert_upright(face)


@pytest.mark.parametrize("name", WITHOUT_FACES)
def test_photographs_without_people_have_no_faces(
    runner: FacesRunner, photographs: Mapping[str, bytes], name: str
) -> None:
    assert find(runner, photographs[name])["faces"] == []


@pytest.mark.parametrize("orientation", range(1, 9))
def test_coordinates_are_those_of_the_upright_original(
    runner: FacesRunner, photographs: Mapping[str, bytes], orientation: int
) -> None:
    upright = decode(photographs[PORTRAIT])
    turn = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}  # of Image.Transpose: undone by EXIF
    stored = upright.transpose(Image.Transpose(turn[orientation])) if orientation > 1 else upright
    result = find(runner, encode(stored, "JPEG", quality=95, exif=exif(orientation)))
    assert (result["width"], result["height"]) == upright.size
    [face] = result["faces"]
    assert iou(face["bbox"], FACE) > 0.8
    assert_upright(face)


@pytest.mark.parametrize("width", [28, 60, 200, 600])
def test_small_and_large_faces_are_found_once(
    runner: FacesRunner, photographs: Mapping[str, bytes], width: int
) -> None:
    """In 2,000 pixels: from a face of 1.4 % of the picture to one of a third."""
    picture = composed(decode(photographs[PORTRAIT]), [width], (2000, 2000))
    result = find(runner, encode(picture, "JPEG", quality=90))
    assert (result["width"], result["height"]) == (2000, 2000)
    [face] = result["faces"]
    box = [edge * width / (FACE[2] - FACE[0]) for edge in FACE]
    assert iou(face["bbox"], box) > 0.6
    assert_upright(face)


def test_a_face_that_fills_the_picture_is_found_once(
    runner: FacesRunner, photographs: Mapping[str, bytes]
) -> None:
    corner = FACE[0] - 20, FACE[1] - 20
    close = decode(photographs[PORTRAIT]).crop((*corner, FACE[2] + 20, FACE[3] + 20))
    size = close.width * 8, close.height * 8
    [face] = find(runner, encode(close.resize(size), "JPEG", quality=90))["faces"]
    box = [8 * (edge - corner[number % 2]) for number, edge in enumerate(FACE)]
    assert iou(face["bbox"], box) > 0.8
    assert_upright(face)


def test_threshold_and_maximum_limit_the_faces(
    runner: FacesRunner, photographs: Mapping[str, bytes]
) -> None:
    picture = composed(decode(photographs[PORTRAIT]), [200, 80, 40, 120], (1600, 1200))
    data = encode(picture, "PNG")
    every = find(runner, data)["faces"]
    scores = [face["score"] for face in every]
    assert len(every) == 4
    assert scores == sorted(scores, reverse=True)
    assert find(runner, data, max_faces=2)["faces"] == every[:2]
    assert find(runner, data, threshold=1)["faces"] == []


@pytest.mark.parametrize("size", [(60, 40), (1, 1), (3000, 1), (1, 3000), (320, 320), (1025, 33)])
def test_a_picture_without_faces_has_an_empty_list(
    runner: FacesRunner, size: tuple[int, int]
) -> None:
    result = find(runner, encode(Image.new("RGB", size, "gray"), "PNG"))
    assert result == {"width": size[0], "height": size[1], "faces": []}


def test_threads_that_share_a_detector_get_their_own_faces(
    settings: Settings, photographs: Mapping[str, bytes]
) -> None:
    detector = detector_of(default_model("faces"), settings.model_dir)
    portrait = decode(photographs[PORTRAIT]).convert("RGB")
    pictures = [composed(portrait, [60 + 10 * n], (600 + n, 500)) for n in range(8)]
    alone = [detector.find(each, 0.7)[0].box.tolist() for each in pictures]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda each: detector.find(each, 0.7), pictures * 3))
    assert [found[0].box.tolist() for found in together] == alone * 3


def test_boxes_are_cut_off_at_the_edges_and_dropped_outside() -> None:
    frame, points = Frame(400, 80, 200, 40), np.zeros((5, 2))
    found = to_view(Face(0.9, np.array([-10.0, 5, 20, 50]), points), frame)
    assert found is not None
    assert found["bbox"] == [0, 10, 40, 70]
    assert to_view(Face(0.9, np.array([250.0, 0, 260, 10]), points), frame) is None


def test_the_points_of_the_contract_are_those_of_the_detector() -> None:
    assert tuple(FacePoints().fields) == POINTS


@pytest.mark.parametrize(
    "params",
    [{"threshold": 0}, {"threshold": 1.1}, {"max_faces": 0}, {"max_faces": 501},
     {"max_faces": 1.5}, {"who": True}],
    ids=str,
)  # fmt: skip
def test_params_out_of_range_are_refused(params: dict[str, Any]) -> None:
    with pytest.raises(InputFault) as caught:
        contract("faces").check_params(params)
    assert caught.value.errors is not None
    assert list(caught.value.errors["params"]) == list(params)


def test_without_its_model_it_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailable, match="make models"):
        open_runner(Settings.from_env({"MODEL_DIR": str(tmp_path)}))


def test_a_model_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    other = dataclasses.replace(default_model("faces"), decoder="yolox")
    with pytest.raises(ModelUnavailable, match="must be yunet"):
        detector_of(other, tmp_path)
    broken = tmp_path / "broken.onnx"
    broken.write_bytes(b"no network")
    with pytest.raises(ModelUnavailable, match="cannot be loaded"):
        FaceDetector(broken).find(Image.new("RGB", (64, 64)), 0.7)
