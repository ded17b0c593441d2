"""The counter: which digit, up to which number."""

import re
from typing import Any

from marshmallow import Schema, ValidationError, fields, validate

from api.http.fields import WholeNumber
from api.system.digit_counter import MOST_DIGITS, occurrences


class Digits(fields.String):
    """A whole number of any size, as its decimal digits and nothing else."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **options: Any) -> str:
        if not re.fullmatch(f"[0-9]{{1,{MOST_DIGITS}}}", str(value)):
            raise ValidationError(f"Must be 1 to {MOST_DIGITS:,} digits, 0 to 9, and nothing else.")
        return str(value)


class CounterQuery(Schema):
    """What to count, and how far."""

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
    """What was counted. Numbers may be longer than what some languages read exactly."""

    digit = fields.Integer()
    n = fields.Integer()
    count = fields.Integer(metadata={"description": "How often the digit stands in 1, 2, …, n."})


def view(digit: int, n: str) -> dict[str, Any]:
    """What CounterView shows."""
    return {"digit": digit, "n": int(n), "count": occurrences(digit, n)}
