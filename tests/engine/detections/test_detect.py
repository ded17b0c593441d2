"""The task `detect` with its real network: what is found on real photographs, and where."""

import dataclasses
import xml.etree.ElementTree as ElementTree
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from common.errors import InputFault, ModelUnavailable
from common.settings import Settings
from common.tasks import contract
from common.tasks.detect import FORMATS as DOCUMENTED
from common.tasks.detect import searchable, to_public
from engine.detections.formats import FORMATS
from engine.models.catalogue import Fit, load_catalogue
from engine.models.progress import Lines
from engine.models.pull import pull
from engine.tasks.detect import DetectRunner, decode_of, open_runner
from tests.support.images.pictures import decode, encode, exif

MODELS = [model for model in load_catalogue() if model.task == "detect"]
KNOWN = {
    "cat_720p.jpg": {"cat": 1},
    "grace_hopper.bmp": {"person": 1, "tie": 1},
    "hot_dog.jpg": {"hot dog": 1},
    "kite_and_cold.jpg": {"kite": 3, "person": 3},
    "parrot.jpg": {"bird": 1},
    "pets.jpg": {"dog": 2},
}
Box = tuple[float, float, float, float]


@pytest.fixture(scope="module")
def settings(mirror: str, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    folder = tmp_path_factory.mktemp("models")
    for model in MODELS:
        pull(model, folder, mirror, Lines())
    return Settings.from_env({"MODEL_DIR": str(folder)})


@pytest.fixture(scope="module")
def runner(settings: Settings) -> DetectRunner:
    return open_runner(settings)


def detect(runner: DetectRunner, data: bytes, **params: Any) -> dict[str, Any]:
    """The result as the engine would write it."""
    asked = contract("detect").check_params(params)
    [result] = runner.run([runner.prepare(data, asked)], [asked])
    return result


def iou(first: Sequence[float], second: Sequence[float]) -> float:
    left, right = max(first[0], second[0]), min(first[0] + first[2], second[0] + second[2])
    top, bottom = max(first[1], second[1]), min(first[1] + first[3], second[1] + second[3])
    shared = max(0.0, right - left) * max(0.0, bottom - top)
    return shared / (first[2] * first[3] + second[2] * second[3] - shared)


@pytest.mark.parametrize("reference", [model.reference for model in MODELS])
def test_photographs_show_what_is_in_them(
    settings: Settings, photographs: Mapping[str, bytes], reference: str
) -> None:
    runner = open_runner(settings, reference)
    for name, expected in KNOWN.items():
        result = detect(runner, photographs[name])
        assert (result["width"], result["height"]) == decode(photographs[name]).size
        found = Counter(each["label"] for each in result["objects"])
        assert all(found[label] >= count for label, count in expected.items()), (name, found)
        scores = [each["score"] for each in result["objects"]]
        assert scores == sorted(scores, reverse=True)
        for each in result["objects"]:
            x, y, width, height = each["bbox"]
            assert 0 <= x < x + width <= result["width"] + 0.01
            assert 0 <= y < y + height <= result["height"] + 0.01


def test_the_boxes_are_where_the_objects_are(
    runner: DetectRunner, photographs: Mapping[str, bytes]
) -> None:
    [cat, *_] = detect(runner, photographs["cat_720p.jpg"])["objects"]
    assert cat["class_id"] == 15
    assert iou(cat["bbox"], [100, 110, 850, 605]) > 0.9
    first, second = detect(runner, photographs["pets.jpg"])["objects"]
    assert iou(first["bbox"], [110, 35, 146, 262]) > 0.9
    assert iou(second["bbox"], [344, 174, 152, 195]) > 0.9


@pytest.mark.parametrize("orientation", range(1, 9))
def test_coordinates_are_those_of_the_upright_original(
    runner: DetectRunner, photographs: Mapping[str, bytes], orientation: int
) -> None:
    upright = decode(photographs["pets.jpg"])
    turn = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}  # of Image.Transpose: undone by EXIF
    stored = upright.transpose(Image.Transpose(turn[orientation])) if orientation > 1 else upright
    result = detect(runner, encode(stored, "JPEG", quality=95, exif=exif(orientation)))
    expected = detect(runner, photographs["pets.jpg"])
    assert (result["width"], result["height"]) == upright.size
    for found, same in zip(result["objects"], expected["objects"], strict=True):
        assert found["label"] == same["label"]
        assert iou(found["bbox"], same["bbox"]) > 0.9


@pytest.mark.parametrize("is_wide", [True, False])
def test_a_long_picture_keeps_its_aspect(
    runner: DetectRunner, photographs: Mapping[str, bytes], is_wide: bool
) -> None:
    image = decode(photographs["pets.jpg"])
    width, height = image.size
    size = (3 * width, height) if is_wide else (width, 3 * height)
    at = (2 * width, 0) if is_wide else (0, 2 * height)
    long = Image.new("RGB", size, "gray")
    long.paste(image, at)
    result = detect(runner, encode(long, "PNG"))
    assert (result["width"], result["height"]) == size
    for expected in ([110, 35, 146, 262], [344, 174, 152, 195]):
        box = [expected[0] + at[0], expected[1] + at[1], *expected[2:]]
        assert max(iou(each["bbox"], box) for each in result["objects"]) > 0.7


@pytest.mark.parametrize("size", [(60, 40), (1, 1), (3000, 1), (1, 3000)])
def test_a_picture_without_objects_has_an_empty_result_in_each_format(
    runner: DetectRunner, size: tuple[int, int]
) -> None:
    data = encode(Image.new("RGB", size, "gray"), "PNG")
    shown = {name: to_public(detect(runner, data, format=name), {}) for name in FORMATS}
    assert shown["boxes"] == {"width": size[0], "height": size[1], "objects": []}
    assert shown["coco"]["coco"]["annotations"] == []
    assert shown["yolo"]["yolo"] == {"names": {}, "labels": ""}
    assert list(ElementTree.fromstring(shown["svg"]["svg"])) == []


def test_every_format_describes_the_same_objects(
    runner: DetectRunner, photographs: Mapping[str, bytes]
) -> None:
    data, results = photographs["pets.jpg"], {}
    for name in FORMATS:
        stored = detect(runner, data, format=name)
        assert searchable(stored).detected == [("dog", stored["found"][0][1])]
        results[name] = to_public(stored, {"format": name})
        assert contract("detect").result().validate(results[name]) == {}
    objects, width, height = (results["boxes"][key] for key in ("objects", "width", "height"))
    coco = results["coco"]["coco"]
    assert coco["categories"] == [{"id": 18, "name": "dog"}]
    assert [each["bbox"] for each in coco["annotations"]] == [each["bbox"] for each in objects]
    assert results["yolo"]["yolo"]["names"] == {"16": "dog"}
    for line, each in zip(results["yolo"]["yolo"]["labels"].splitlines(), objects, strict=True):
        number, x, y, across, down = map(float, line.split())
        assert number == 16
        box = [(x - across / 2) * width, (y - down / 2) * height, across * width, down * height]
        assert box == pytest.approx(each["bbox"], abs=0.01)
    drawn = ElementTree.fromstring(results["svg"]["svg"])
    assert [float(each.get("x") or 0) for each in drawn] == pytest.approx(
        [each["bbox"][0] for each in objects], abs=0.01
    )


def test_threshold_and_maximum_limit_the_objects(
    runner: DetectRunner, photographs: Mapping[str, bytes]
) -> None:
    data = photographs["kite_and_cold.jpg"]
    every = detect(runner, data, threshold=0.05, max_objects=300)["objects"]
    sure = detect(runner, data, threshold=0.8)["objects"]
    assert sure == [each for each in every if each["score"] >= 0.8]
    assert detect(runner, data, threshold=0.05, max_objects=2)["objects"] == every[:2]


@pytest.mark.parametrize(
    "params",
    [{"threshold": 0}, {"threshold": 1.1}, {"max_objects": 0}, {"max_objects": 301},
     {"max_objects": 1.5}, {"format": "geojson"}, {"top_k": 5}],
    ids=str,
)  # fmt: skip
def test_params_out_of_range_are_refused(params: dict[str, Any]) -> None:
    with pytest.raises(InputFault) as caught:
        contract("detect").check_params(params)
    assert caught.value.errors is not None
    assert list(caught.value.errors["params"]) == list(params)


def test_every_format_of_the_contract_is_rendered() -> None:
    assert tuple(FORMATS) == DOCUMENTED


def test_without_its_model_it_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailable, match="make models"):
        open_runner(Settings.from_env({"MODEL_DIR": str(tmp_path)}))


@pytest.mark.parametrize("changes", [{"decoder": "dream"}, {"decoder": ""}, {"fit": Fit()}])
def test_a_model_that_cannot_be_read_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ModelUnavailable, match="must be one of yolox"):
        decode_of(dataclasses.replace(MODELS[0], **changes))
