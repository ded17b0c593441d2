"""embed: an image as a point among others; what looks alike is near."""

import base64
import struct
from collections.abc import Mapping
from typing import Any

from marshmallow import Schema, fields

from common.schemas import RequestSchema
from common.tasks import Contract


class EmbedParams(RequestSchema):
    """Whether to tell the vector itself."""

    vector = fields.Boolean(
        load_default=False,
        truthy={True, "true"},
        falsy={False, "false"},
        metadata={"description": "Answer with the vector as well; it is 1,024 numbers long."},
    )


class EmbedResult(Schema):
    """The vector. The row always keeps it, for the search index, as `vector_bytes` packs it."""

    dimensions = fields.Integer(metadata={"example": 1024})
    vector = fields.List(
        fields.Float(),
        metadata={"description": "Of length 1 (L2). Only where `vector` was asked for."},
    )


def vector_bytes(result: Mapping[str, Any]) -> bytes:
    """The vector of a stored result: little-endian float32, 4 bytes a dimension."""
    return base64.b64decode(result["vector"], validate=True)


def shown(result: Mapping[str, Any], params: Mapping[str, Any]) -> dict[str, Any]:
    """A stored result as it is told: without its vector, or with its numbers.

    Nine digits are what a float32 needs to be read back as it was.
    """
    told: dict[str, Any] = {"dimensions": result["dimensions"]}
    if params.get("vector"):
        numbers = struct.unpack(f"<{result['dimensions']}f", vector_bytes(result))
        told["vector"] = [float(f"{number:.9g}") for number in numbers]
    return told


CONTRACT = Contract(
    name="embed",
    summary="The image as a vector of 1,024 numbers: what looks alike is near.",
    params=EmbedParams,
    result=EmbedResult,
    shown=shown,
)
