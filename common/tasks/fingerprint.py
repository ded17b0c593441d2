"""fingerprint: a small grey version of an image, by which its copies are recognized; internal."""

from marshmallow import Schema, fields

from common.tasks import Contract


class FingerprintParams(Schema):
    """None."""


class FingerprintResult(Schema):
    """The pixels, packed as base64."""

    pixels = fields.String()


CONTRACT = Contract(
    name="fingerprint",
    summary="A small grey version of the image, by which its copies are recognized.",
    params=FingerprintParams,
    result=FingerprintResult,
    internal=True,
    required_by_index=True,
)
