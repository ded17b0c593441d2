"""The task `outline` with its real network: what is found on real photographs, and where."""

import dataclasses
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from common.errors import InputFault, ModelUnavailable
from common.settings import Settings
from common.tasks import contract
from engine.models.catalogue import default_model
from engine.tasks.outline import FORMATS, OutlineRunner, open_runner, read_labels
from tests.engine.outlines.outlined import Mask, fill_objects, iou, outline
from tests.engine.outlines.outlined import work as work
from tests.support.images.pictures import decode, encode, exif

KNOWN = {
    "cat_720p.jpg": "cat",
    "dog_segmentation.bmp": "dog",
    "grace_hopper.bmp": "person",
    "parrot.jpg": "bird",
    "pets.jpg": "dog",
}


@pytest.mark.parametrize("name", KNOWN)
def test_the_largest_object_is_what_everybody_sees(
    work: OutlineRunner, photographs: Mapping[str, bytes], name: str
) -> None:
    result = outline(work, photographs[name])
    image = decode(photographs[name])
    assert (result["width"], result["height"]) == image.size
    first = result["objects"][0]
    assert first["label"] == KNOWN[name]
    areas = [each["area"] for each in result["objects"]]
    assert areas == sorted(areas, reverse=True)
    for each in result["objects"]:
        x, y, width, height = each["bbox"]
        assert 0 <= x <= x + width <= image.width + 0.002
        assert 0 <= y <= y + height <= image.height + 0.002
        assert each["vertices"] == each["polygons"][0]["exterior"]
        assert each["area"] <= width * height + 1
    drawn = fill_objects(result).sum()
    assert drawn == pytest.approx(sum(areas), rel=0.05)


def test_the_outlines_of_the_dog_are_as_good_as_the_bare_network(
    work: OutlineRunner, photographs: Mapping[str, bytes]
) -> None:
    truth = np.asarray(decode(photographs["dog_segmentation_mask.bmp"]).convert("L"))
    image = decode(photographs["dog_segmentation.bmp"]).convert("RGB")
    square = np.asarray(image.resize((513, 513), Image.Resampling.BILINEAR))
    [mask] = work._session.run([square])
    small = Image.fromarray((mask > 0).astype(np.uint8)).resize(
        image.size, Image.Resampling.NEAREST
    )
    bare = against(np.asarray(small) > 0, truth)
    assert bare == pytest.approx(0.97, abs=0.005)
    for params in ({}, {"tolerance": 0}, {"tolerance": 0.5}):
        result = outline(work, photographs["dog_segmentation.bmp"], **params)
        assert against(fill_objects(result), truth) >= bare - 0.01


def against(found: Mask, truth: Mask) -> float:
    """Intersection over union with the dog (0); the border (2) is ignored."""
    counted = truth != 2
    return iou(found & counted, (truth == 0) & counted)


def test_an_oblong_image_keeps_its_aspect(
    work: OutlineRunner, photographs: Mapping[str, bytes]
) -> None:
    """Squashed to a square, the mean over these is 0.77."""
    image = decode(photographs["dog_segmentation.bmp"]).convert("RGB")
    truth = np.asarray(decode(photographs["dog_segmentation_mask.bmp"]).convert("L"))
    found = []
    for box in ((0, 32, 128, 128), (0, 0, 128, 96), (16, 0, 112, 128), (32, 0, 128, 128)):
        left, top, right, bottom = box
        result = outline(work, encode(image.crop(box), "PNG"))
        found.append(against(fill_objects(result), truth[top:bottom, left:right]))
    assert sum(found) / len(found) > 0.83


@pytest.mark.parametrize("orientation", range(1, 9))
def test_coordinates_are_those_of_the_upright_original(
    work: OutlineRunner, photographs: Mapping[str, bytes], orientation: int
) -> None:
    upright = decode(photographs["cat_720p.jpg"])
    turn = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}  # of Image.Transpose: undone by EXIF
    stored = upright.transpose(Image.Transpose(turn[orientation])) if orientation > 1 else upright
    data = encode(stored, "JPEG", quality=95, exif=exif(orientation))
    result = outline(work, data)
    assert (result["width"], result["height"]) == upright.size
    expected = fill_objects(outline(work, photographs["cat_720p.jpg"]))
    assert iou(fill_objects(result), expected) > 0.95


def test_twelve_megapixels_are_answered_in_their_own_pixels(
    work: OutlineRunner, photographs: Mapping[str, bytes]
) -> None:
    small = decode(photographs["cat_720p.jpg"])
    result = outline(work, encode(small.resize((4608, 2592)), "JPEG"))
    assert (result["width"], result["height"]) == (4608, 2592)
    same = outline(work, photographs["cat_720p.jpg"])
    scaled = np.array(result["objects"][0]["bbox"]) / 3.6
    assert scaled == pytest.approx(np.array(same["objects"][0]["bbox"]), abs=25)


def test_an_image_of_nothing_has_no_objects_in_any_format(work: OutlineRunner) -> None:
    data = encode(Image.new("RGB", (60, 40), "gray"), "PNG")
    shown = {name: outline(work, data, format=name) for name in FORMATS}
    assert shown["polygons"] == {"width": 60, "height": 40, "objects": []}
    assert shown["geojson"]["geojson"]["features"] == []
    assert shown["coco"]["coco"]["annotations"] == []
    assert list(ElementTree.fromstring(shown["svg"]["svg"])) == []


@pytest.mark.parametrize("size", [(1, 1), (3000, 1), (1, 3000), (2, 2)])
def test_images_hardly_there_are_answered(work: OutlineRunner, size: tuple[int, int]) -> None:
    result = outline(work, encode(Image.new("RGB", size, "red"), "PNG"), min_area=0)
    assert (result["width"], result["height"]) == size


@pytest.mark.parametrize(
    "params",
    [
        {"tolerance": -0.1}, {"tolerance": 50.1}, {"tolerance": "nan"}, {"tolerance": "wide"},
        {"max_vertices": 3}, {"max_vertices": 10_001}, {"max_vertices": 4.5},
        {"min_area": -1}, {"min_area": 1e10}, {"format": "dxf"},
        {"top_k": 5},
    ],
    ids=str,
)  # fmt: skip
def test_params_out_of_range_are_refused(params: dict[str, Any]) -> None:
    with pytest.raises(InputFault) as caught:
        contract("outline").check_params(params)
    assert caught.value.errors is not None
    assert list(caught.value.errors["params"]) == list(params)


def test_every_format_of_the_contract_is_rendered() -> None:
    [one_of] = contract("outline").params().fields["format"].validators
    assert tuple(one_of.choices) == tuple(FORMATS)  # type: ignore[attr-defined]


def test_without_its_model_it_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailable, match="make models"):
        open_runner(Settings.from_env({"MODEL_DIR": str(tmp_path)}))


def test_bytes_that_do_not_decode_are_the_inputs_fault(work: OutlineRunner) -> None:
    png = encode(Image.effect_noise((67, 45), 90), "PNG")
    with pytest.raises(InputFault) as caught:
        work.prepare(png[:60] + bytes(40) + png[100:], {})
    assert caught.value.code == "image_undecodable"


def test_whoever_only_classifies_loads_nothing_of_it(model_dir: Path) -> None:
    """OpenCV alone takes tens of megabytes."""
    script = (
        "import sys; from common.settings import Settings; import engine.process; "
        "from engine.tasks import open_runner; "
        "open_runner('classify', Settings.from_env({'MODEL_DIR': sys.argv[1]})); "
        "print([name for name in sys.modules if name.startswith(('cv2', 'engine.outline'))])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(model_dir)],
        capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    assert done.stdout.strip() == "[]"


def test_a_model_without_names_for_its_classes_is_refused(mirror: str) -> None:
    unnamed = dataclasses.replace(default_model("outline"), labels=None)
    with pytest.raises(ModelUnavailable, match="no names for its classes"):
        read_labels(unnamed, Path(mirror))


def test_labels_end_where_the_file_begins_to_speak_of_itself(work: OutlineRunner) -> None:
    assert len(work._labels) == 21
    assert (work._labels[0], work._labels[-1]) == ("background", "television")
    assert "dining table" in work._labels
