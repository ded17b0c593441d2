"""What the schemas of request bodies and of tasks' parameters have in common."""

from collections.abc import Mapping
from typing import Any

from marshmallow import Schema, fields, pre_load


class RequestSchema(Schema):
    """A JSON object that callers send. Null for an optional field is the same as leaving it out:
    generated clients send null for what was not set.
    """

    def on_bind_field(self, field_name: str, field_obj: fields.Field[Any]) -> None:
        """Let the OpenAPI page say that an optional field is nullable."""
        if not field_obj.required:
            field_obj.allow_none = True

    @pre_load
    def leave_out_nulls(self, data: Any, **_options: Any) -> Any:
        """Remove the optional fields that are null."""
        if not isinstance(data, Mapping):
            return data
        optional = {
            field.data_key or name for name, field in self.load_fields.items() if not field.required
        }
        return {k: v for k, v in data.items() if v is not None or k not in optional}
