"""faces: find the faces of an image. Detection only: people are not recognized."""

from marshmallow import Schema, fields, validate

from common.schemas import RequestSchema
from common.tasks import Contract


class FacesParams(RequestSchema):
    """From which score on faces are returned, and how many."""

    threshold = fields.Float(
        load_default=0.7,
        validate=validate.Range(0.1, 1),
        metadata={"description": "Minimum score of a face."},
    )
    max_faces = fields.Integer(
        strict=True,
        load_default=100,
        validate=validate.Range(1, 500),
        metadata={"description": "Maximum number of faces; those with the highest scores."},
    )


def _point(description: str, example: list[float]) -> "fields.List[float]":
    """Return the field of a point, as [x, y]."""
    return fields.List(
        fields.Float(), metadata={"description": f"{description}, as [x, y].", "example": example}
    )


class FacePoints(Schema):
    """Five points of a face. Right and left are those of the person. A point of a face that the
    image's edge cuts off may be outside the image.
    """

    right_eye = _point("The right eye", [221.7, 207.1])
    left_eye = _point("The left eye", [304.6, 205.3])
    nose = _point("The tip of the nose", [266.0, 256.2])
    mouth_right = _point("The right corner of the mouth", [231.3, 281.9])
    mouth_left = _point("The left corner of the mouth", [301.2, 280.4])


class Face(Schema):
    """One face. Coordinates are pixels of the upright original, from its top left corner."""

    score = fields.Float(metadata={"description": "0 to 1.", "example": 0.94})
    bbox = fields.List(
        fields.Float(),
        metadata={
            "description": "[x, y, width, height], from forehead to chin.",
            "example": [176.4, 119.3, 178.2, 213.5],
        },
    )
    points = fields.Nested(FacePoints)


class FacesResult(Schema):
    """The faces, highest score first. Faces are found, not recognized: the result does not say who
    a person is, and faces of different images are not compared.
    """

    width = fields.Integer(metadata={"description": "Of the upright original, in pixels."})
    height = fields.Integer(metadata={"description": "Of the upright original, in pixels."})
    faces = fields.List(fields.Nested(Face))


CONTRACT = Contract(
    name="faces",
    summary="Faces, as boxes with five points; people are not recognized.",
    params=FacesParams,
    result=FacesResult,
    cost=9,
)
