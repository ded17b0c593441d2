"""caption: the image in one sentence."""

from marshmallow import Schema, fields

from common.schemas import RequestSchema
from common.tasks import MINUTE, Contract


class CaptionParams(RequestSchema):
    """There is nothing to choose: the prompt is fixed."""


class TokensUsed(Schema):
    """What the provider counted, for one caption."""

    prompt = fields.Integer(metadata={"description": "The image and the prompt.", "example": 270})
    completion = fields.Integer(metadata={"description": "The answer.", "example": 18})


class CaptionResult(Schema):
    """A sentence, and who wrote it. `model`, `tokens` and `cost_usd` come from providers alone."""

    text = fields.String(
        metadata={
            "description": "One line of at most 300 characters.",
            "example": "Probably an Egyptian cat; possibly a tabby.",
        }
    )
    source = fields.String(
        metadata={
            "description": "`labels`: put together from the classifier's labels, and no more than "
            "they say. `openai`: written by a model behind OpenAI's protocol, which was sent the "
            "pixels, at most 768 on the longer side, and neither file name nor metadata.",
            "example": "labels",
        }
    )
    model = fields.String(
        metadata={"description": "What the provider was asked for.", "example": "gpt-4o-mini"}
    )
    tokens = fields.Nested(
        TokensUsed, allow_none=True, metadata={"description": "Null when the provider is silent."}
    )
    cost_usd = fields.Float(
        allow_none=True,
        metadata={"description": "Null without CAPTION_PRICE or without tokens.", "example": 5e-5},
    )


CONTRACT = Contract(
    name="caption",
    summary="The image in a sentence: by a model of your choice, or honestly from labels, offline.",
    params=CaptionParams,
    result=CaptionResult,
    cost=5,
    may_be_paid=True,
    deadline=60 * MINUTE,
)
