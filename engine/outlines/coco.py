"""Format `coco`: COCO's instance annotations with run-length encoded segmentation.

COCO's polygons cannot have holes, its run lengths can. They count pixels outside and inside in
turns, beginning with outside, down the columns from left to right; a pixel is inside if its center
is. An object that contains no center gets the one pixel in its middle.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.outlines.shapes import Outline, Ring, next_corners


def render(outlines: Sequence[Outline], width: int, height: int) -> dict[str, Any]:
    """Return `{"coco": {images, categories, annotations}}`; ids count from 1."""
    labels = sorted({outline.label for outline in outlines})
    return {
        "coco": {
            "images": [{"id": 1, "width": width, "height": height}],
            "categories": [{"id": number, "name": name} for number, name in enumerate(labels, 1)],
            "annotations": [
                _annotation(number, labels.index(outline.label) + 1, outline, width, height)
                for number, outline in enumerate(outlines, 1)
            ],
        }
    }


def _annotation(
    id: int, category: int, outline: Outline, width: int, height: int
) -> dict[str, Any]:
    rings = [ring for polygon in outline.polygons for ring in polygon.rings]
    counts = run_lengths(rings, width, height)
    if len(counts) == 1:
        counts = _pixel_in_the_middle(outline, width, height)
    return {
        "id": id,
        "image_id": 1,
        "category_id": category,
        "iscrowd": 0,
        "area": sum(counts[1::2]),
        "bbox": outline.bbox,
        "segmentation": {"size": [height, width], "counts": counts},
        "rle": {"size": [height, width], "counts": compressed(counts)},
    }


def _pixel_in_the_middle(outline: Outline, width: int, height: int) -> list[int]:
    """Return the run lengths of the pixel in the middle of the object's largest polygon."""
    middle = (outline.vertices.min(axis=0) + outline.vertices.max(axis=0)) / 2
    column, row = np.minimum(middle.astype(np.int64), (width - 1, height - 1)).tolist()
    place = column * height + row
    after = width * height - place - 1
    return [place, 1, after] if after else [place, 1]


def run_lengths(rings: Sequence[Ring], width: int, height: int) -> list[int]:
    """Return the run lengths of the area within an odd number of the rings.

    No pixel is painted: down a column, each crossed edge is a change between outside and inside.
    """
    # Two changes at one place cancel each other.
    places, times = np.unique(_crossings(rings, width, height), return_counts=True)
    ends = [0, *places[times % 2 == 1].tolist(), width * height]
    counts = [end - start for start, end in pairwise(ends)]
    return counts if counts[-1] or len(counts) == 1 else counts[:-1]


def _crossings(rings: Sequence[Ring], width: int, height: int) -> NDArray[np.int64]:
    """Return where edges cross the center lines of columns: the first pixel below, counted down the
    columns.
    """
    start = np.concatenate(rings)
    end = next_corners(rings)
    ahead = start[:, :1] <= end[:, :1]
    left, right = np.where(ahead, start, end), np.where(ahead, end, start)
    first, last = (np.ceil(side[:, 0] - 0.5).astype(np.int64) for side in (left, right))
    edge = np.repeat(np.arange(len(start)), last - first)
    skipped = np.concatenate([[0], np.cumsum(last - first)[:-1]])
    column = np.arange(len(edge)) - skipped[edge] + first[edge]
    (x, y), (far_x, far_y) = left[edge].T, right[edge].T
    crossed = y + (column + 0.5 - x) * (far_y - y) / (far_x - x)
    row = np.clip(np.ceil(crossed - 0.5).astype(np.int64), 0, height)
    places: NDArray[np.int64] = column * height + row
    return places


def compressed(counts: Sequence[int]) -> str:
    """Return COCO's string: from the fourth count on, the difference to the count before the
    previous one, in digits of 5 bits from the lowest; bit 6 marks that more digits follow; written
    as characters from "0" (`rleToString` in pycocotools' maskApi.c).
    """
    text = []
    for place, count in enumerate(counts):
        value = count - counts[place - 2] if place > 2 else count
        while True:
            digit, value = value & 31, value >> 5
            # The highest bit of the last digit is the sign.
            more = value != (-1 if digit & 16 else 0)
            text.append(chr(48 + digit + 32 * more))
            if not more:
                break
    return "".join(text)
