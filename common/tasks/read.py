"""read: find the text in an image, line by line, with its position."""

from collections.abc import Mapping
from typing import Any

from marshmallow import Schema, fields, validate

from common.schemas import RequestSchema
from common.search.facts import SearchableFacts
from common.tasks import Contract

MOST_LINES = 500
LONGEST_LINE = 200  # characters


class ReadParams(RequestSchema):
    """From which score on lines are returned, and how many."""

    min_score = fields.Float(
        load_default=0.5,
        validate=validate.Range(0, 1),
        metadata={"description": "Minimum score of a line."},
    )
    max_lines = fields.Integer(
        strict=True,
        load_default=200,
        validate=validate.Range(1, MOST_LINES),
        metadata={"description": "Maximum number of lines; the first ones in reading order."},
    )


class TextLine(Schema):
    """One line of text, or the part of a line in one column."""

    text = fields.String(
        metadata={
            "description": f"At most {LONGEST_LINE} characters, without control characters and "
            "marks that reorder displayed text.",
            "example": "INVOICE 2041",
        }
    )
    score = fields.Float(
        metadata={"description": "Mean score of its characters, 0 to 1.", "example": 0.97}
    )
    polygon = fields.List(
        fields.List(fields.Float()),
        metadata={
            "description": "Four corners [x, y]: top left, top right, bottom right, bottom left, "
            "in pixels of the upright original.",
            "example": [[10, 10], [190, 12], [190, 40], [10, 38]],
        },
    )


class ReadResult(Schema):
    """The lines in reading order: rows from top to bottom, each from left to right, along the slope
    that most lines have. Lines at one height are one row, also across columns: the rows of a table
    stay together, and columns of prose alternate.
    """

    width = fields.Integer(metadata={"description": "Of the upright original, in pixels."})
    height = fields.Integer(metadata={"description": "Of the upright original, in pixels."})
    lines = fields.List(fields.Nested(TextLine))
    is_complete = fields.Boolean(
        metadata={
            "description": "False if the image has more lines than were read: `max_lines`, or more "
            "text than one prediction may read."
        }
    )


def searchable(result: Mapping[str, Any]) -> SearchableFacts:
    """Return the lines as one text."""
    return SearchableFacts(text="\n".join(line["text"] for line in result.get("lines", ())))


CONTRACT = Contract(
    name="read",
    optional=True,  # the catalogue has no address of its model
    summary="Text in the image, line by line, with its position.",
    params=ReadParams,
    result=ReadResult,
    cost=40,
    searchable=searchable,
)
