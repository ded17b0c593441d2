"""The request field that selects a model."""

import re
from typing import Any

from marshmallow import ValidationError, fields

from common.model_reference import format_reference

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
MODEL_METADATA = {
    "oneOf": [
        {"type": "string", "example": "mobilenet_v2_1.0_224@tf2-ptq"},
        {
            "type": "object",
            "properties": {"name": {"type": "string"}, "version": {"type": "string"}},
            "required": ["name", "version"],
        },
    ],
    "description": "The model to use, one of GET /v1/models: `name@version`, or an object with "
    "both. Default: the task's default model.",
}


class ModelField(fields.Field[str]):
    """A model's reference: "name@version", or {"name": …, "version": …}."""

    def __init__(self) -> None:
        super().__init__(load_default=None, allow_none=True, metadata=MODEL_METADATA)

    def _deserialize(self, value: Any, attr: Any, data: Any, **options: Any) -> str:
        if isinstance(value, str):
            name, _, version = value.partition("@")
        elif isinstance(value, dict) and set(value) == {"name", "version"}:
            name, version = value["name"], value["version"]
        else:
            name = version = ""
        if not all(isinstance(each, str) and NAME.fullmatch(each) for each in (name, version)):
            raise ValidationError("Must be `name@version`, or an object of `name` and `version`.")
        return format_reference(name, version)
