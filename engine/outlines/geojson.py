"""Format `geojson`: RFC 7946 with pixels as coordinates."""

from collections.abc import Sequence
from typing import Any

from engine.outlines.shapes import Outline, Polygon, Ring

UNIT = "pixels of the upright image: x to the right, y down; not longitude and latitude"


def render(outlines: Sequence[Outline], width: int, height: int) -> dict[str, Any]:
    """Return `{"geojson": FeatureCollection}`."""
    features = [_feature(outline) for outline in outlines]
    collection = {
        "type": "FeatureCollection",
        "bbox": [0, 0, width, height],
        "coordinate_unit": UNIT,
        "features": features,
    }
    return {"geojson": collection}


def _feature(outline: Outline) -> dict[str, Any]:
    shapes = [_coordinates(polygon) for polygon in outline.polygons]
    geometry = (
        {"type": "Polygon", "coordinates": shapes[0]}
        if len(shapes) == 1
        else {"type": "MultiPolygon", "coordinates": shapes}
    )
    return {
        "type": "Feature",
        "bbox": list(outline.bounds),
        "geometry": geometry,
        "properties": {"label": outline.label, "area": outline.area},
    }


def _coordinates(polygon: Polygon) -> list[list[list[float]]]:
    """Return the rings with the first point repeated at the end. By their numbers, exteriors are
    counterclockwise already, as the RFC's right-hand rule requires.
    """
    return [_closed(ring) for ring in polygon.rings]


def _closed(ring: Ring) -> list[list[float]]:
    points: list[list[float]] = ring.tolist()
    return [*points, points[0]]
