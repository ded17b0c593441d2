"""outline: where the objects of an image are, as polygons around their pixels."""

from typing import Any

from marshmallow import Schema, fields, validate

from common.schemas import RequestSchema
from common.tasks import Contract

FORMATS = ("polygons", "geojson", "coco", "svg")


class OutlineParams(RequestSchema):
    """How fine the outlines are, which objects count, and how they are written down."""

    tolerance = fields.Float(
        load_default=None,
        allow_none=True,
        validate=validate.Range(0, 50),
        metadata={
            "description": "How far, in the original's pixels, a simplified outline may be from "
            "the one that was found; 0: none is simplified. Without it, as far as keeps at least "
            "95 % of each object (intersection over union)."
        },
    )
    max_vertices = fields.Integer(
        strict=True,
        load_default=500,
        validate=validate.Range(4, 10_000),
        metadata={"description": "Most vertices of a ring; it is simplified until it has no more."},
    )
    min_area = fields.Float(
        load_default=None,
        allow_none=True,
        validate=validate.Range(0, 1e9),
        metadata={
            "description": "Least area of an object, in the original's pixels. Without it, a "
            "5,000th of the image."
        },
    )
    format = fields.String(
        load_default="polygons",
        validate=validate.OneOf(FORMATS),
        metadata={"description": "What the result holds beside width and height."},
    )


def _ring(description: str) -> fields.List[Any]:
    return fields.List(
        fields.List(fields.Float()),
        metadata={"description": description, "example": [[10, 10], [90, 10], [90, 50]]},
    )


class OutlinePolygon(Schema):
    """A connected part of an object. Rings are [[x, y], …], closed: the last point leads to the
    first. By the shoelace formula the exterior's area is positive, a hole's negative.
    """

    exterior = _ring("The ring around the part.")
    holes = fields.List(_ring("A ring around what is not the object."))


class OutlinedObject(Schema):
    """One object. Coordinates are pixels of the upright original, from its upper left corner."""

    label = fields.String(metadata={"example": "dog"})
    area = fields.Integer(metadata={"description": "Pixels.", "example": 3200})
    bbox = fields.List(
        fields.Float(),
        metadata={"description": "[x, y, width, height].", "example": [10, 10, 80, 40]},
    )
    vertices = _ring("The largest exterior.")
    polygons = fields.List(fields.Nested(OutlinePolygon))


class OutlineResult(Schema):
    """The objects, largest first, in the format that was asked for."""

    width = fields.Integer(metadata={"description": "Of the upright original, in pixels."})
    height = fields.Integer(metadata={"description": "Of the upright original, in pixels."})
    objects = fields.List(
        fields.Nested(OutlinedObject), metadata={"description": "With format `polygons`."}
    )
    geojson = fields.Dict(
        metadata={
            "description": "With format `geojson`: a FeatureCollection (RFC 7946), but its "
            "coordinates are pixels: x to the right, y down."
        }
    )
    coco = fields.Dict(
        metadata={
            "description": "With format `coco`: images, categories, and annotations whose "
            "segmentation is run-length encoded, as numbers and (`rle`) as COCO's string."
        }
    )
    svg = fields.String(metadata={"description": "With format `svg`: a drawing of that size."})


CONTRACT = Contract(
    name="outline",
    summary="Where the objects are: outlines of 20 kinds of things, as polygons with holes.",
    params=OutlineParams,
    result=OutlineResult,
    cost=10,
)
