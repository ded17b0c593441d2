"""outline: find the objects of an image, as polygons around their pixels."""

from collections.abc import Mapping
from typing import Any

from marshmallow import Schema, fields, validate

from common.schemas import RequestSchema
from common.search.facts import SearchableFacts
from common.tasks import Contract

FORMATS = ("polygons", "geojson", "coco", "svg")


class OutlineParams(RequestSchema):
    """The precision of the outlines, the minimum size of objects, and the output format."""

    tolerance = fields.Float(
        load_default=None,
        allow_none=True,
        validate=validate.Range(0, 50),
        metadata={
            "description": "Maximum distance between a simplified outline and the detected one, in "
            "pixels of the original; 0 disables simplification. By default, the largest distance "
            "that keeps an intersection over union of at least 95 % for each object."
        },
    )
    max_vertices = fields.Integer(
        strict=True,
        load_default=500,
        validate=validate.Range(4, 10_000),
        metadata={
            "description": "Maximum number of vertices of a ring; longer rings are simplified."
        },
    )
    min_area = fields.Float(
        load_default=None,
        allow_none=True,
        validate=validate.Range(0, 1e9),
        metadata={
            "description": "Minimum area of an object, in pixels of the original. By default, "
            "1/5,000 of the image."
        },
    )
    format = fields.String(
        load_default="polygons",
        validate=validate.OneOf(FORMATS),
        metadata={"description": "The form of the outlines in the result."},
    )


def _ring(description: str) -> fields.List[Any]:
    return fields.List(
        fields.List(fields.Float()),
        metadata={"description": description, "example": [[10, 10], [90, 10], [90, 50]]},
    )


class OutlinePolygon(Schema):
    """A connected part of an object. Rings are lists [[x, y], …]; the last point is connected to
    the first. By the shoelace formula an exterior has a positive area and a hole a negative one.
    """

    exterior = _ring("The outer boundary of the part.")
    holes = fields.List(_ring("The boundary of a hole in the part."))


class OutlinedObject(Schema):
    """One object. Coordinates are pixels of the upright original, from its top left corner."""

    label = fields.String(metadata={"example": "dog"})
    area = fields.Integer(metadata={"description": "Pixels.", "example": 3200})
    bbox = fields.List(
        fields.Float(),
        metadata={"description": "[x, y, width, height].", "example": [10, 10, 80, 40]},
    )
    vertices = _ring("The largest exterior.")
    polygons = fields.List(fields.Nested(OutlinePolygon))


class OutlineResult(Schema):
    """The objects, largest first, in the requested format."""

    width = fields.Integer(metadata={"description": "Of the upright original, in pixels."})
    height = fields.Integer(metadata={"description": "Of the upright original, in pixels."})
    objects = fields.List(
        fields.Nested(OutlinedObject), metadata={"description": "With format `polygons`."}
    )
    geojson = fields.Dict(
        metadata={
            "description": "With format `geojson`: a FeatureCollection (RFC 7946) whose "
            "coordinates are pixels: x to the right, y down."
        }
    )
    coco = fields.Dict(
        metadata={
            "description": "With format `coco`: images, categories, and annotations whose "
            "segmentation is run-length encoded, as numbers and as COCO's string (`rle`)."
        }
    )
    svg = fields.String(
        metadata={"description": "With format `svg`: an SVG document of that size."}
    )


def searchable(result: Mapping[str, Any]) -> SearchableFacts:
    """Return the labels of the objects; formats other than `polygons` do not list objects."""
    return SearchableFacts(objects=[each["label"] for each in result.get("objects") or []])


CONTRACT = Contract(
    name="outline",
    summary="Outlines of objects of 20 kinds, as polygons with holes.",
    params=OutlineParams,
    result=OutlineResult,
    cost=10,
    searchable=searchable,
)
