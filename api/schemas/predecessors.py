"""Bodies of the services this one replaces."""

from marshmallow import Schema, fields

from api.schemas.fields import Text


class InferenceRequest(Schema):
    """The inference service's upload."""

    name = Text(load_default=None, allow_none=True)
    data = fields.String(required=True)
