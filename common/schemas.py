"""The base class of the schemas of request bodies and of tasks' parameters."""

from collections.abc import Mapping
from typing import Any

from marshmallow import Schema, fields, pre_load


class RequestSchema(Schema):
    """A JSON object that callers send. Null for an optional field means that it is not set, because
    generated clients send null for unset fields.
    """

    def on_bind_field(self, field_name: str, field_obj: fields.Field[Any]) -> None:
        """Mark optional fields as nullable, for the OpenAPI document."""
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
