"""embed: turn an image into a vector; similar images have vectors close to each other."""

import base64
import struct
from collections.abc import Mapping
from typing import Any

from marshmallow import Schema, fields

from common.schemas import RequestSchema
from common.search.facts import SearchableFacts
from common.tasks import Contract


class EmbedParams(RequestSchema):
    """Whether the result contains the vector itself."""

    vector = fields.Boolean(
        load_default=False,
        truthy={True, "true"},
        falsy={False, "false"},
        metadata={"description": "Return the vector as well: 1,024 numbers."},
    )


class EmbedResult(Schema):
    """The vector. The row always stores it for the search index, packed as base64."""

    dimensions = fields.Integer(metadata={"example": 1024})
    vector = fields.List(
        fields.Float(),
        metadata={"description": "L2 norm 1. Only if the param `vector` is true."},
    )


def vector_bytes(result: Mapping[str, Any]) -> bytes:
    """Return the vector of a stored result: little-endian float32, 4 bytes per dimension."""
    return base64.b64decode(result["vector"], validate=True)


def to_public(result: Mapping[str, Any], params: Mapping[str, Any]) -> dict[str, Any]:
    """Return a stored result with the vector as numbers, or without it unless it was requested.

    Nine significant digits represent a float32 exactly.
    """
    public: dict[str, Any] = {"dimensions": result["dimensions"]}
    if params.get("vector"):
        numbers = struct.unpack(f"<{result['dimensions']}f", vector_bytes(result))
        public["vector"] = [float(f"{number:.9g}") for number in numbers]
    return public


def searchable(result: Mapping[str, Any]) -> SearchableFacts:
    """Return the vector."""
    return SearchableFacts(vector=vector_bytes(result))


CONTRACT = Contract(
    name="embed",
    summary="The image as a vector of 1,024 numbers; similar images have vectors close together.",
    params=EmbedParams,
    result=EmbedResult,
    required_by_index=True,
    indexed_per_model=True,
    shown=to_public,
    searchable=searchable,
)
