"""Strict JSON (RFC 8259): no NaN, no numbers out of range, no duplicate names in an object."""

import json
from typing import Any, NoReturn

MAX_VALUES = 20_000  # in a JSON document


class DuplicateName(ValueError):
    """A JSON object has two members with this name."""


def parse_json(text: str, strict: bool = True) -> Any:
    """Return the value of a JSON text; `strict=False` allows line breaks inside strings.

    Raises DuplicateName for a duplicate name, and ValueError or RecursionError for invalid JSON.
    """
    if sum(map(text.count, ",[{")) > MAX_VALUES:
        raise ValueError("too many values")  # a value takes far more memory than its text
    return json.loads(
        text,
        strict=strict,
        parse_constant=_refuse_constant,
        parse_float=_finite,
        object_pairs_hook=_object,
    )


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return the object; raises DuplicateName, since parsers differ in which duplicate they use."""
    members = dict(pairs)
    if len(members) < len(pairs):
        names = [name for name, _ in pairs]
        raise DuplicateName(next(name for name in names if names.count(name) > 1))
    return members


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _finite(text: str) -> float:
    number = float(text)
    if number in (float("inf"), float("-inf")):
        raise ValueError("number out of range")
    return number
