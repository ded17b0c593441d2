"""classify: what is in the image, as the 1,000 classes of ImageNet."""

from collections.abc import Mapping
from typing import Any

from marshmallow import Schema, fields, validate

from common.schemas import RequestSchema
from common.tasks import Contract


class ClassifyParams(RequestSchema):
    """How many labels, and from which score on."""

    top_k = fields.Integer(
        strict=True,
        load_default=5,
        validate=validate.Range(1, 100),
        metadata={"description": "Most labels to answer with."},
    )
    threshold = fields.Float(
        load_default=0.05,
        validate=validate.Range(0, 1),
        metadata={
            "description": "Least score of a label or a broader term. The best label is always "
            "there, however unsure."
        },
    )


class Label(Schema):
    """One class and how sure the model is of it."""

    class_id = fields.Integer(
        metadata={"description": "0 to 999, ImageNet's usual order.", "example": 285}
    )
    name = fields.String(metadata={"description": "What a person says.", "example": "Egyptian cat"})
    wnid = fields.String(metadata={"description": "WordNet 3.0 id.", "example": "n02124075"})
    score = fields.Float(metadata={"description": "Probability, 0 to 1.", "example": 0.6})


class BroaderTerm(Schema):
    """What several classes have in common, and how sure the model is that it is one of them."""

    name = fields.String(metadata={"example": "cat"})
    score = fields.Float(
        metadata={"description": "Sum of the scores of all classes below, 0 to 1.", "example": 0.9}
    )


class ClassifyResult(Schema):
    """The labels, best first, and the broader terms for what is seen, the narrowest first."""

    labels = fields.List(fields.Nested(Label))
    broader = fields.List(
        fields.Nested(BroaderTerm),
        metadata={"description": "Terms at least as sure as `threshold`, at most 20."},
    )
    top_k = fields.Integer()
    threshold = fields.Float()


# What the row keeps for the house alone: `unsure` labels, as pairs of class and score, by which the
# image is found although they are not worth telling; its brightness, to see drift.
KEPT = ("unsure", "brightness")


def shown(result: Mapping[str, Any], params: Mapping[str, Any]) -> dict[str, Any]:
    """A stored result as it is told."""
    return {name: value for name, value in result.items() if name not in KEPT}


CONTRACT = Contract(
    name="classify",
    summary="What is in the image: labels of ImageNet's 1,000 classes, and broader terms.",
    params=ClassifyParams,
    result=ClassifyResult,
    cacheable=True,
    shown=shown,
)
