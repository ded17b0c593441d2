"""Pages of lists: how they are asked for, and what stands beside the items."""

from marshmallow import Schema, fields, validate

from api.http.fields import WholeNumber

NEXT = fields.String(
    allow_none=True, metadata={"description": "Cursor of the next page; null: the last one."}
)


class PageQuery(Schema):
    """How many, and from where on."""

    limit = WholeNumber(load_default=20, validate=validate.Range(1, 100))
    cursor = fields.String(
        load_default=None, metadata={"description": "`next` of the page before."}
    )
