"""Schemas of the digit counter."""

import re
from typing import Any

from marshmallow import Schema, ValidationError, fields, validate

from api.http.fields import WholeNumber
from api.system.digit_counter import MOST_DIGITS, occurrences


class Digits(fields.String):
    """A non-negative integer of any size, given as decimal digits."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **options: Any) -> str:
        if not re.fullmatch(f"[0-9]{{1,{MOST_DIGITS}}}", str(value)):
            raise ValidationError(
                f"Must be 1 to {MOST_DIGITS:,} digits, 0 to 9, without other characters."
            )
        return str(value)


class CounterQuery(Schema):
    """The digit to count and the last number."""

    digit = WholeNumber(required=True, validate=validate.Range(0, 9), metadata={"example": 7})
    n = Digits(
        required=True,
        metadata={
            "description": f"The last number, of at most {MOST_DIGITS:,} digits.",
            "pattern": f"^[0-9]{{1,{MOST_DIGITS}}}$",
            "example": "1000",
        },
    )


class CounterView(Schema):
    """The count. The numbers may exceed what some languages represent exactly."""

    digit = fields.Integer()
    n = fields.Integer()
    count = fields.Integer(metadata={"description": "Occurrences of the digit in 1, 2, …, n."})


def view(digit: int, n: str) -> dict[str, Any]:
    """Return the fields of CounterView."""
    return {"digit": digit, "n": int(n), "count": occurrences(digit, n)}
