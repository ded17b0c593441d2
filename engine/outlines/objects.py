"""Convert a mask to outlines: trace, scale, simplify and name the objects."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.models.letterbox import Frame
from engine.outlines.shapes import Outline, Polygon
from engine.outlines.simplify import faithful_tolerance, simplify_together
from engine.outlines.tracing import TracedObject, trace

SPECK = 1 / 5000  # of the image: the default of min_area; smaller objects are noise


def find_objects(
    mask: NDArray[np.integer], frame: Frame, labels: Sequence[str], params: dict[str, Any]
) -> list[Outline]:
    """Return the objects in a mask of class indices [side, side], largest first, in the image's
    pixels.
    """
    min_area = params["min_area"]
    if min_area is None:
        min_area = SPECK * frame.width * frame.height
    across, down = frame.scale
    traced = trace(frame.crop(mask), min_area / (across * down))
    traced.sort(key=lambda each: -each.cells)
    return [_outline(each, frame, labels[each.index], params) for each in traced]


def _outline(traced: TracedObject, frame: Frame, label: str, params: dict[str, Any]) -> Outline:
    across, down = frame.scale
    scaled = [polygon.mapped(frame.to_image) for polygon in traced.polygons]
    tolerances = [_tolerance(polygon, frame, params) for polygon in scaled]
    polygons = simplify_together(scaled, tolerances, params["max_vertices"])
    return Outline(label, max(1, round(traced.cells * across * down)), polygons)


def _tolerance(polygon: Polygon, frame: Frame, params: dict[str, Any]) -> float:
    tolerance: float | None = params["tolerance"]
    if tolerance is None:
        return faithful_tolerance(polygon, max(frame.scale))
    return tolerance
