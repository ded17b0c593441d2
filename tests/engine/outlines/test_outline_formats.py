"""The formats of outlines: each says the same, in the words of its own specification."""

import json
import xml.etree.ElementTree as ElementTree
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from common.tasks import contract
from engine.outlines.coco import compressed, render, run_lengths
from engine.outlines.shapes import Outline, Polygon, signed_area
from engine.tasks.outline import FORMATS, OutlineRunner
from tests.engine.outlines.outlined import Mask, fill, fill_objects, outline
from tests.engine.outlines.outlined import work as work

SVG = "{http://www.w3.org/2000/svg}"


def every_format(work: OutlineRunner, data: bytes, **params: Any) -> dict[str, Any]:
    results = {name: outline(work, data, format=name, **params) for name in FORMATS}
    for name, result in results.items():
        key = "objects" if name == "polygons" else name
        assert set(result) == {"width", "height", key}
        json.dumps(result, allow_nan=False)
        assert contract("outline").result().validate(result) == {}
    return {name: result.get(name, result) for name, result in results.items()}


@pytest.fixture(scope="module", params=["pets.jpg", "dog_segmentation.bmp"])
def formats(
    request: pytest.FixtureRequest, work: OutlineRunner, photographs: Mapping[str, bytes]
) -> dict[str, Any]:
    """One photograph with holes in its objects, in every format."""
    made = every_format(work, photographs[request.param], tolerance=0)
    assert any(p["holes"] for o in made["polygons"]["objects"] for p in o["polygons"])
    return made


def test_geojson_is_what_the_rfc_says(formats: dict[str, Any]) -> None:
    said, objects = formats["geojson"], formats["polygons"]["objects"]
    assert said["type"] == "FeatureCollection"
    assert "pixels" in said["coordinate_unit"]
    for feature, each in zip(said["features"], objects, strict=True):
        assert feature["type"] == "Feature"
        assert feature["properties"] == {"label": each["label"], "area": each["area"]}
        x, y, width, height = each["bbox"]
        assert feature["bbox"] == pytest.approx([x, y, x + width, y + height])
        shapes = feature["geometry"]["coordinates"]
        is_multiple = feature["geometry"]["type"] == "MultiPolygon"
        shapes = shapes if is_multiple else [shapes]
        assert is_multiple == (len(each["polygons"]) > 1)
        for rings, polygon in zip(shapes, each["polygons"], strict=True):
            assert all(ring[0] == ring[-1] and len(ring) >= 4 for ring in rings)
            exterior, *holes = (np.array(ring[:-1]) for ring in rings)
            assert signed_area(exterior) > 0, "counterclockwise by the numbers"
            assert all(signed_area(hole) < 0 for hole in holes)
            assert [ring[:-1] for ring in rings] == [polygon["exterior"], *polygon["holes"]]


def test_coco_holds_the_same_pixels(formats: dict[str, Any]) -> None:
    said, objects = formats["coco"], formats["polygons"]
    names = {category["id"]: category["name"] for category in said["categories"]}
    [image] = said["images"]
    for annotation, each in zip(said["annotations"], objects["objects"], strict=True):
        assert names[annotation["category_id"]] == each["label"]
        assert annotation["bbox"] == each["bbox"]
        assert annotation["image_id"] == image["id"]
        height, width = annotation["segmentation"]["size"]
        assert (width, height) == (image["width"], image["height"])
        counts = annotation["segmentation"]["counts"]
        expected = fill_objects({**objects, "objects": [each]})
        assert (unrolled(counts, width, height) == expected).all()
        assert annotation["area"] == expected.sum()
        assert read_compressed(annotation["rle"]["counts"]) == counts


def unrolled(counts: list[int], width: int, height: int) -> Mask:
    """Run lengths down the columns, beginning with what is out, as pixels."""
    assert min(counts[1:], default=1) > 0
    values = np.repeat(np.arange(len(counts)) % 2, counts)
    column_major = np.pad(values, (0, width * height - len(values)))
    return column_major.reshape(width, height).T.astype(bool)


def read_compressed(text: str) -> list[int]:
    """As `rleFrString` of pycocotools reads it."""
    counts: list[int] = []
    place = 0
    while place < len(text):
        value, shift, more = 0, 0, True
        while more:
            digit = ord(text[place]) - 48
            value |= (digit & 0x1F) << shift
            more = bool(digit & 0x20)
            place, shift = place + 1, shift + 5
            if not more and digit & 0x10:
                value |= -1 << shift
        counts.append(value + counts[-2] if len(counts) > 2 else value)
    return counts


@pytest.mark.parametrize("seed", range(20))
def test_run_lengths_are_those_of_any_rings(seed: int) -> None:
    chance = np.random.default_rng(seed)
    width, height = chance.integers(1, 60, 2).tolist()
    rings = [chance.random((count, 2)) * (width, height) for count in (3, 4, 9)]
    if seed % 2:
        rings.append(rings[0])  # which takes it away again
    counts = run_lengths(rings, width, height)
    assert (unrolled(counts, width, height) == fill(rings, width, height)).all()
    assert read_compressed(compressed(counts)) == counts


@pytest.mark.parametrize(
    ("left", "top", "counts"), [(0.1, 0.1, [0, 1, 11]), (1.1, 2.6, [5, 1, 6]), (3.8, 2.8, [11, 1])]
)
def test_an_object_between_the_centers_of_pixels_is_one_pixel(
    left: float, top: float, counts: list[int]
) -> None:
    ring = np.array([(0, 0), (0.2, 0), (0.2, 0.2), (0, 0.2)]) + np.array((left, top))
    coco = render([Outline("cat", 1, (Polygon(ring),))], width=4, height=3)["coco"]
    [annotation] = coco["annotations"]
    assert annotation["segmentation"]["counts"] == counts
    assert annotation["area"] == 1


def test_the_string_is_cocos_own() -> None:
    # Worked out by hand from maskApi.c: 6 and 1 as they are, then 40 - 1 = 39 in two digits.
    assert compressed([6, 1]) == "61"
    assert compressed([0, 1, 5, 40]) == "015W1"
    assert compressed([0, 40, 5, 1]) == "0X15iN"


def test_svg_draws_the_same_rings(formats: dict[str, Any]) -> None:
    objects = formats["polygons"]
    drawing = ElementTree.fromstring(formats["svg"])
    assert drawing.tag == f"{SVG}svg"
    assert drawing.get("viewBox") == f"0 0 {objects['width']} {objects['height']}"
    assert drawing.get("fill-rule") == "evenodd"
    for path, each in zip(drawing, objects["objects"], strict=True):
        assert path.get("data-label") == path.findtext(f"{SVG}title") == each["label"]
        rings = [
            [[float(number) for number in point.split()] for point in ring.split("L")]
            for ring in str(path.get("d")).removeprefix("M").removesuffix("Z").split("ZM")
        ]
        assert rings == [
            ring
            for polygon in each["polygons"]
            for ring in (polygon["exterior"], *polygon["holes"])
        ]
