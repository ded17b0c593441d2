"""What the tests of outlines share: the network, a rasteriser of their own, made masks."""

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from common.settings import Settings
from common.tasks import contract
from engine.models.catalogue import default_model
from engine.models.letterbox import Frame
from engine.models.progress import Lines
from engine.models.pull import pull
from engine.outlines.shapes import Polygon
from engine.tasks.outline import OutlineRunner, open_runner

Mask = NDArray[Any]

bounded = settings(
    deadline=None, max_examples=200, suppress_health_check=[HealthCheck.too_slow], database=None
)


@pytest.fixture(scope="module")
def work(mirror: str, tmp_path_factory: pytest.TempPathFactory) -> OutlineRunner:
    """The task's work on its real model."""
    folder = tmp_path_factory.mktemp("models")
    pull(default_model("outline"), folder, mirror, Lines())
    return open_runner(Settings.from_env({"MODEL_DIR": str(folder)}))


@pytest.fixture(scope="module")
def real(work: OutlineRunner, photographs: Mapping[str, bytes]) -> list[tuple[Mask, Frame]]:
    """The network's masks of the real photographs, and where in them the images are."""
    inputs = [work.prepare(data, wish()) for data in photographs.values()]
    masks = work._session.run([each.pixels for each in inputs])
    return [(mask, each.frame) for mask, each in zip(masks, inputs, strict=True)]


def wish(**params: Any) -> dict[str, Any]:
    return contract("outline").check_params(params)


def outline(work: OutlineRunner, data: bytes, **params: Any) -> dict[str, Any]:
    """The result as the engine would write it."""
    asked = wish(**params)
    [result] = work.run([work.prepare(data, asked)], [asked])
    return result


def fill(rings: Iterable[Any], width: int, height: int) -> Mask:
    """The pixels [height, width] whose centres lie within an odd number of rings."""
    inside = np.zeros((height, width), bool)
    rows, columns = np.arange(height) + 0.5, np.arange(width) + 0.5
    for ring in rings:
        points = np.asarray(ring, float)
        for (x, y), (far_x, far_y) in zip(points, np.roll(points, -1, axis=0), strict=True):
            crossed = np.flatnonzero((y <= rows) != (far_y <= rows))
            at = x + (rows[crossed] - y) * (far_x - x) / (far_y - y) if len(crossed) else crossed
            inside[crossed] ^= columns >= np.asarray(at)[:, None]
    return inside


def fill_polygons(polygons: Sequence[Polygon], width: int, height: int) -> Mask:
    return fill((ring for polygon in polygons for ring in polygon.rings), width, height)


def fill_objects(result: dict[str, Any], label: str | None = None) -> Mask:
    """The union of a result's objects, or of those with a label."""
    union = np.zeros((result["height"], result["width"]), bool)
    for each in result["objects"]:
        if label in (None, each["label"]):
            rings = [r for p in each["polygons"] for r in (p["exterior"], *p["holes"])]
            union |= fill(rings, result["width"], result["height"])
    return union


def iou(one: Mask, other: Mask) -> float:
    """Intersection over union; 1 when both are empty."""
    union = int((one | other).sum())
    return int((one & other).sum()) / union if union else 1.0


@st.composite
def masks(draw: st.DrawFn) -> Mask:
    """Class indices 0 to 3: noise of any density, or discs, boxes, rings and lines overlapping."""
    height, width = draw(st.integers(1, 48)), draw(st.integers(1, 48))
    chance = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    if draw(st.booleans()):
        density = draw(st.sampled_from([0.02, 0.3, 0.5, 0.7, 0.98]))
        return (chance.random((height, width)) < density) * chance.integers(1, 3, (height, width))
    mask = np.zeros((height, width), np.int64)
    for _ in range(draw(st.integers(1, 8))):
        shape = _shape(draw(st.sampled_from(["disc", "box", "ring", "line"])), chance, mask.shape)
        mask[shape] = draw(st.integers(0, 3))
    return mask


def _shape(kind: str, chance: np.random.Generator, size: tuple[int, ...]) -> Mask:
    row, column = np.indices(size)
    (y, x), reach = (chance.random() * side for side in size), 1 + chance.random() * max(size) / 2
    away = np.hypot(row - y, column - x)
    shapes: dict[str, Mask] = {
        "disc": away < reach,
        "ring": (away < reach) & (away > reach * 0.6),
        "box": (abs(row - y) < reach) & (abs(column - x) < reach / 2),
        "line": abs((row - y) * chance.random() - (column - x)) < 1.5,
    }
    return shapes[kind]


@cache
def neighbours(diagonal: bool) -> tuple[tuple[int, int], ...]:
    straight = ((0, 1), (1, 0), (0, -1), (-1, 0))
    return straight + (((1, 1), (1, -1), (-1, 1), (-1, -1)) if diagonal else ())


def components(mask: Mask, diagonal: bool) -> list[set[tuple[int, int]]]:
    """The connected sets of (row, column), found by walking."""
    left = {(int(row), int(column)) for row, column in np.argwhere(mask)}
    found = []
    while left:
        todo = [left.pop()]
        component = set(todo)
        while todo:
            row, column = todo.pop()
            near = {(row + down, column + right) for down, right in neighbours(diagonal)} & left
            left -= near
            component |= near
            todo += near
        found.append(component)
    return found
