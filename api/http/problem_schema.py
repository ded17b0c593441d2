"""The body of every error, RFC 9457."""

from marshmallow import Schema, fields


class Problem(Schema):
    """What went wrong: `code` for programs, `detail` for people, `errors` by field."""

    type = fields.String()
    title = fields.String()
    status = fields.Integer()
    code = fields.String(metadata={"example": "image_truncated"})
    detail = fields.String()
    instance = fields.String()
    request_id = fields.String()
    errors = fields.Dict(metadata={"description": "What is wrong, by the name of the field."})
