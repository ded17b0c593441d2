"""The sticker search's counter: counts a digit in the numbers from 1 to n."""

from typing import Any

from flask import Blueprint, request

from api.compat.deprecation import add_deprecation_headers
from api.system.digit_counter_schemas import CounterQuery, view

blueprint = Blueprint("old_counter", __name__)
add_deprecation_headers(blueprint, "counter.get")


@blueprint.get("/api/counter")
@blueprint.get("/api/counter/")
def count() -> dict[str, Any]:
    """Return the same as `GET /v1/counter`."""
    return view(**CounterQuery().load(request.args))
