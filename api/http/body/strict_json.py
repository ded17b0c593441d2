"""JSON as RFC 8259 defines it: no NaN, no numbers out of range, no name twice in an object."""

import json
from typing import Any, NoReturn

MOST_VALUES = 20_000  # of a JSON document; an image in base64 is one of them


class DuplicateName(ValueError):
    """A JSON object has two members of this name."""


def parse_json(text: str, strict: bool = True) -> Any:
    """Return the value of a JSON text; `strict=False` lets line ends stand inside strings.

    Raises DuplicateName, and ValueError or RecursionError for whatever else is refused.
    """
    if sum(map(text.count, ",[{")) > MOST_VALUES:
        raise ValueError("too many values")  # each takes far more memory than it has characters
    return json.loads(
        text,
        strict=strict,
        parse_constant=_no_number,
        parse_float=_finite,
        object_pairs_hook=_object,
    )


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return an object whose names are distinct; parsers differ in which of two equal ones counts.

    Raises DuplicateName.
    """
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        raise DuplicateName(next(name for name in names if names.count(name) > 1))
    return found


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _finite(text: str) -> float:
    number = float(text)
    if number in (float("inf"), float("-inf")):
        raise ValueError("number out of range")
    return number
