"""From a mask to the objects that are answered: scaled, simplified, named."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.outlines.frame import Frame
from engine.outlines.shapes import Outline, Polygon
from engine.outlines.simplify import faithful_tolerance, simplify_together
from engine.outlines.tracing import Found, trace

SPECK = 1 / 5000  # of the image; smaller objects are noise, unless min_area says otherwise


def find_objects(
    mask: NDArray[np.integer], frame: Frame, labels: Sequence[str], params: dict[str, Any]
) -> list[Outline]:
    """The objects in a mask of class indices [side, side], largest first, in the image's pixels."""
    least = params["min_area"]
    if least is None:
        least = SPECK * frame.width * frame.height
    across, down = frame.scale
    found = trace(frame.crop(mask), least / (across * down))
    found.sort(key=lambda each: -each.cells)
    return [_outline(each, frame, labels[each.index], params) for each in found]


def _outline(found: Found, frame: Frame, label: str, params: dict[str, Any]) -> Outline:
    across, down = frame.scale
    scaled = [polygon.mapped(frame.to_image) for polygon in found.polygons]
    tolerances = [_tolerance(polygon, frame, params) for polygon in scaled]
    polygons = simplify_together(scaled, tolerances, params["max_vertices"])
    return Outline(label, max(1, round(found.cells * across * down)), polygons)


def _tolerance(polygon: Polygon, frame: Frame, params: dict[str, Any]) -> float:
    wanted: float | None = params["tolerance"]
    return faithful_tolerance(polygon, max(frame.scale)) if wanted is None else wanted
