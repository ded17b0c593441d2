"""detect: find the objects of an image, as boxes with labels and scores."""

from collections.abc import Mapping
from typing import Any

from marshmallow import Schema, fields, validate

from common.schemas import RequestSchema
from common.search.facts import SearchableFacts
from common.tasks import Contract

FORMATS = ("boxes", "coco", "yolo", "svg")


class DetectParams(RequestSchema):
    """From which score on objects are returned, how many, and in which format."""

    threshold = fields.Float(
        load_default=0.3,
        validate=validate.Range(0.01, 1),
        metadata={"description": "Minimum score of an object."},
    )
    max_objects = fields.Integer(
        strict=True,
        load_default=100,
        validate=validate.Range(1, 300),
        metadata={"description": "Maximum number of objects; those with the highest scores."},
    )
    format = fields.String(
        load_default="boxes",
        validate=validate.OneOf(FORMATS),
        metadata={"description": "The form of the objects in the result."},
    )


class DetectedObject(Schema):
    """One object. Coordinates are pixels of the upright original, from its top left corner."""

    label = fields.String(metadata={"description": "One of COCO's 80 names.", "example": "dog"})
    class_id = fields.Integer(
        metadata={"description": "0 to 79, in the order of COCO's categories.", "example": 16}
    )
    score = fields.Float(metadata={"description": "0 to 1.", "example": 0.87})
    bbox = fields.List(
        fields.Float(),
        metadata={"description": "[x, y, width, height].", "example": [10, 10, 80, 40]},
    )


class DetectResult(Schema):
    """The objects, highest score first, in the requested format. Of two boxes of one label with an
    intersection over union above 0.45, only the one with the higher score is returned.
    """

    width = fields.Integer(metadata={"description": "Of the upright original, in pixels."})
    height = fields.Integer(metadata={"description": "Of the upright original, in pixels."})
    objects = fields.List(
        fields.Nested(DetectedObject), metadata={"description": "With format `boxes`."}
    )
    coco = fields.Dict(
        metadata={
            "description": "With format `coco`: images, categories with COCO's own ids, and "
            "annotations with `bbox` and `score`."
        }
    )
    yolo = fields.Dict(
        metadata={
            "description": "With format `yolo`: `labels`, the text of a label file (class, center "
            "x, center y, width, height as fractions of the image), and `names` by class number."
        }
    )
    svg = fields.String(
        metadata={"description": "With format `svg`: an SVG document of that size."}
    )


# Part of a stored result that callers do not get: each label with its highest score, for the search
# index, whatever the format is.
PRIVATE = "found"


def to_public(result: Mapping[str, Any], params: Mapping[str, Any]) -> dict[str, Any]:
    """Return a stored result without its private part."""
    return {name: value for name, value in result.items() if name != PRIVATE}


def searchable(result: Mapping[str, Any]) -> SearchableFacts:
    """Return the labels of the objects with their highest scores."""
    return SearchableFacts(detected=[(label, score) for label, score in result.get(PRIVATE, [])])


CONTRACT = Contract(
    name="detect",
    summary="Objects of COCO's 80 classes, as boxes with scores.",
    params=DetectParams,
    result=DetectResult,
    cost=4,
    shown=to_public,
    searchable=searchable,
)
