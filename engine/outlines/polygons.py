"""Format `polygons`: the geometry unchanged, as rings of [x, y]."""

from collections.abc import Sequence
from typing import Any

from engine.outlines.shapes import Outline, Polygon


def render(outlines: Sequence[Outline], width: int, height: int) -> dict[str, Any]:
    """Return `{"objects": […]}`."""
    return {"objects": [_object(outline) for outline in outlines]}


def _object(outline: Outline) -> dict[str, Any]:
    return {
        "label": outline.label,
        "area": outline.area,
        "bbox": outline.bbox,
        "vertices": outline.vertices.tolist(),
        "polygons": [_polygon(polygon) for polygon in outline.polygons],
    }


def _polygon(polygon: Polygon) -> dict[str, Any]:
    return {
        "exterior": polygon.exterior.tolist(),
        "holes": [hole.tolist() for hole in polygon.holes],
    }
