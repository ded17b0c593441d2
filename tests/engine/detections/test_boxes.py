"""Boxes: non-maximum suppression, the cells of YOLOX, and the categories of COCO."""

import dataclasses
import os
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from common.errors import ModelUnavailable
from engine.detections import yolox
from engine.detections.boxes import OVERLAP, Candidates, objects_of, suppress
from engine.models.catalogue import Labels, default_model
from engine.models.class_names import Category, read_categories
from engine.models.letterbox import Frame


def made_up(number: int, count: int = 200) -> Candidates:
    """Random boxes of three classes, many of them over others."""
    random = np.random.default_rng(number)
    corners = random.uniform(0, 300, (count, 2))
    boxes = np.concatenate([corners, corners + random.uniform(1, 120, (count, 2))], axis=1)
    scores, classes = random.uniform(0.05, 1, count), random.integers(0, 3, count)
    return Candidates(boxes.astype(np.float32), scores.astype(np.float32), classes)


def iou(a: NDArray[np.float32], b: NDArray[np.float32]) -> float:
    sides = np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2])
    shared = float(np.prod(np.maximum(sides, 0)))
    return shared / float(np.prod(a[2:] - a[:2]) + np.prod(b[2:] - b[:2]) - shared)


def one_by_one(given: Candidates) -> list[int]:
    """The definition of greedy suppression, box by box."""
    kept: list[int] = []
    for index in np.argsort(-given.scores, kind="stable").tolist():
        alike = [other for other in kept if given.classes[other] == given.classes[index]]
        if all(iou(given.boxes[other], given.boxes[index]) <= OVERLAP for other in alike):
            kept.append(index)
    return kept


@pytest.mark.parametrize("number", range(10))
def test_suppression_keeps_what_the_definition_keeps(number: int) -> None:
    given = made_up(number)
    kept = suppress(given)
    expected = given[np.array(one_by_one(given))]
    assert 3 < len(kept.scores) < len(given.scores)
    assert kept.scores.tolist() == expected.scores.tolist()
    assert kept.boxes.tolist() == expected.boxes.tolist()
    assert kept.classes.tolist() == expected.classes.tolist()


def test_suppression_of_no_candidates_is_empty() -> None:
    assert len(suppress(made_up(1, 0)).scores) == 0


def test_a_cell_becomes_the_box_that_it_describes() -> None:
    rows = np.zeros((52 * 52 + 26 * 26 + 13 * 13, 85), np.float32)
    cell = 52 * 52 + 3 * 26 + 5  # of the grid of 16 pixels: row 3, column 5
    rows[cell, :5] = 0.5, 0.25, np.log(2), np.log(4), 0.8
    rows[cell, 5 + 16] = 0.5
    found = yolox.decode([rows], 416, 0.3)
    assert found.classes.tolist() == [16]
    assert found.scores.tolist() == [pytest.approx(0.4)]
    assert found.boxes.tolist() == [pytest.approx([72, 20, 104, 84])]


def test_a_row_of_huge_numbers_gives_a_finite_box() -> None:
    rows = np.full((3549, 85), 1e9, np.float32)
    assert np.isfinite(yolox.decode([rows], 416, 0.3).boxes).all()


def test_boxes_are_cut_off_at_the_edges_and_dropped_outside() -> None:
    boxes = np.array([[-10, 5, 20, 50], [250, 0, 260, 10], [0, 0, 1, 1]], np.float32)
    found = Candidates(boxes, np.array([0.9, 0.8, 0.7], np.float32), np.zeros(3, np.intp))
    frame, dog = Frame(400, 80, 200, 40), Category(18, "dog")
    first, second = objects_of(found, frame, [dog], 10)
    assert first.bbox == [0, 10, 40, 70]
    assert (second.bbox, second.score, second.category) == ([0, 0, 2, 2], 0.7, dog)
    assert objects_of(found, frame, [dog], 1) == [first]


def test_the_categories_are_cocos_in_order() -> None:
    found = read_categories(default_model("detect"), Path())
    assert len(found) == len({each.id for each in found}) == 80
    assert [each.id for each in found] == sorted(each.id for each in found)
    assert (found[0], found[15], found[79]) == (
        Category(1, "person"), Category(17, "cat"), Category(90, "toothbrush")
    )  # fmt: skip


def test_the_names_are_those_of_the_models_label_file() -> None:
    path = Path(os.environ.get("MODEL_MIRROR", ""), "coco80_labels.txt")
    if not path.is_file():
        pytest.skip("MODEL_MIRROR is no folder with coco80_labels.txt")
    names = [each.name for each in read_categories(default_model("detect"), Path())]
    assert names == path.read_text().splitlines()


def test_a_file_of_the_model_may_name_its_classes(tmp_path: Path) -> None:
    model = dataclasses.replace(default_model("detect"), labels=Labels("names.txt", 1))
    with pytest.raises(ModelUnavailable, match="no names for its classes"):
        read_categories(model, tmp_path)
    (tmp_path / model.folder).mkdir(parents=True)
    (tmp_path / model.folder / "names.txt").write_text("background\nmug\npen\n")
    assert read_categories(model, tmp_path) == [Category(1, "mug"), Category(2, "pen")]
