"""classify: label an image with the 1,000 classes of ImageNet."""

from collections.abc import Mapping
from typing import Any

from marshmallow import Schema, fields, validate

from common.schemas import RequestSchema
from common.search.facts import SearchableFacts
from common.tasks import Contract


class ClassifyParams(RequestSchema):
    """How many labels are returned, and from which score on."""

    top_k = fields.Integer(
        strict=True,
        load_default=5,
        validate=validate.Range(1, 100),
        metadata={"description": "Maximum number of labels."},
    )
    threshold = fields.Float(
        load_default=0.05,
        validate=validate.Range(0, 1),
        metadata={
            "description": "Minimum score of a label or a broader term. The best label is always "
            "returned, whatever its score."
        },
    )


class Label(Schema):
    """One class and its probability."""

    class_id = fields.Integer(
        metadata={"description": "0 to 999, in ImageNet's usual order.", "example": 285}
    )
    name = fields.String(
        metadata={
            "description": "The usual English name, or with `lang` the name in that language.",
            "example": "Egyptian cat",
        }
    )
    language = fields.String(metadata={"description": "Of `name`; only with `lang`."})
    english = fields.String(metadata={"description": "The English name; only with `lang`."})
    wnid = fields.String(metadata={"description": "WordNet 3.0 id.", "example": "n02124075"})
    score = fields.Float(metadata={"description": "Probability, 0 to 1.", "example": 0.6})


class BroaderTerm(Schema):
    """A term that covers several classes, and the probability that it applies."""

    name = fields.String(metadata={"example": "cat"})
    language = fields.String(metadata={"description": "Of `name`; only with `lang`."})
    english = fields.String(metadata={"description": "The English name; only with `lang`."})
    score = fields.Float(
        metadata={"description": "Sum of the scores of all classes below, 0 to 1.", "example": 0.9}
    )


class ClassifyResult(Schema):
    """The labels, highest score first, and the broader terms, narrowest first."""

    labels = fields.List(fields.Nested(Label))
    broader = fields.List(
        fields.Nested(BroaderTerm),
        metadata={"description": "Terms with a score of at least `threshold`; at most 20."},
    )
    top_k = fields.Integer()
    threshold = fields.Float()


# Parts of a stored result that callers do not get: `unsure`, pairs of class id and score below the
# threshold, by which a search still finds the image; `brightness`, to measure drift.
PRIVATE = ("unsure", "brightness")


def to_public(result: Mapping[str, Any], params: Mapping[str, Any]) -> dict[str, Any]:
    """Return a stored result without its private parts."""
    return {name: value for name, value in result.items() if name not in PRIVATE}


def searchable(result: Mapping[str, Any]) -> SearchableFacts:
    """Return the labels, also those below the threshold, and the broader terms."""
    return SearchableFacts(
        labels=[(label["name"], label["score"]) for label in result.get("labels", [])],
        class_ids=[(class_id, score) for class_id, score in result.get("unsure", [])],
        broader=[(term["name"], term["score"]) for term in result.get("broader", [])],
    )


CONTRACT = Contract(
    name="classify",
    summary="What is in the image: labels of ImageNet's 1,000 classes, and broader terms.",
    params=ClassifyParams,
    result=ClassifyResult,
    shown=to_public,
    searchable=searchable,
    required_by_index=True,
)
