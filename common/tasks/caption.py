"""caption: describe an image in one sentence."""

from collections.abc import Mapping
from typing import Any

from marshmallow import Schema, fields

from common.schemas import RequestSchema
from common.search.facts import SearchableFacts
from common.tasks import HOUR, Contract


class CaptionParams(RequestSchema):
    """No params: the prompt is fixed."""


class TokensUsed(Schema):
    """The tokens of one caption, as counted by the provider."""

    prompt = fields.Integer(metadata={"description": "The image and the prompt.", "example": 270})
    completion = fields.Integer(metadata={"description": "The answer.", "example": 18})


class CaptionResult(Schema):
    """A sentence and its source. Only providers set `model`, `tokens` and `cost_usd`."""

    text = fields.String(
        metadata={
            "description": "One line of at most 300 characters.",
            "example": "Probably an Egyptian cat; possibly a tabby.",
        }
    )
    source = fields.String(
        metadata={
            "description": "`labels`: composed from the classifier's labels only. `openai`: "
            "written by a model behind OpenAI's protocol, which received the pixels (at most 768 "
            "on the longer side) without file name and metadata.",
            "example": "labels",
        }
    )
    model = fields.String(
        metadata={"description": "The model requested from the provider.", "example": "gpt-4o-mini"}
    )
    tokens = fields.Nested(
        TokensUsed,
        allow_none=True,
        metadata={"description": "Null if the provider does not report them."},
    )
    cost_usd = fields.Float(
        allow_none=True,
        metadata={
            "description": "Null if CAPTION_PRICE or the tokens are unknown.",
            "example": 5e-5,
        },
    )


def searchable(result: Mapping[str, Any]) -> SearchableFacts:
    """Return the sentence."""
    return SearchableFacts(caption=str(result.get("text", "")))


CONTRACT = Contract(
    name="caption",
    summary="The image in one sentence, by a model of your choice or offline from its labels.",
    params=CaptionParams,
    result=CaptionResult,
    cost=5,
    may_be_paid=True,
    deadline=HOUR,
    searchable=searchable,
)
