"""compare: group an account's images with their copies, until all are compared; internal."""

from marshmallow import Schema, fields

from common.tasks import DAY, HOUR, Contract


class CompareParams(Schema):
    """The account."""

    owner_id = fields.UUID(required=True)


class CompareResult(Schema):
    """What this run has done."""

    compared = fields.Integer()
    is_done = fields.Boolean()  # False: another run continues


CONTRACT = Contract(
    name="compare",
    summary="Group the images of an account with their copies: GET /v1/duplicates.",
    params=CompareParams,
    result=CompareResult,
    cost=5,
    cacheable=False,
    deadline=DAY,
    keep_succeeded=HOUR,
    keep_unsuccessful=DAY,
    internal=True,
    takes_image=False,
)
