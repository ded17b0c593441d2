"""The query parameters of lists, and the `next` field of their pages."""

from marshmallow import Schema, fields, validate

from api.http.fields import WholeNumber

NEXT = fields.String(
    allow_none=True, metadata={"description": "Cursor of the next page; null on the last page."}
)


class PageQuery(Schema):
    """The page of a list to return."""

    limit = WholeNumber(
        load_default=20,
        validate=validate.Range(1, 100),
        metadata={"description": "Maximum number of items on the page."},
    )
    cursor = fields.String(
        load_default=None, metadata={"description": "`next` of the previous page."}
    )
