"""The sticker search's counter: how often a digit is written when counting to a number."""

from typing import Any

from flask import Blueprint, request

from api.compat.deprecation import say_deprecated
from api.system.digit_counter_schemas import CounterQuery, view

blueprint = Blueprint("old_counter", __name__)
say_deprecated(blueprint, "counter.get")


@blueprint.get("/api/counter")
@blueprint.get("/api/counter/")
def count() -> dict[str, Any]:
    """The same as /v1/counter."""
    return view(**CounterQuery().load(request.args))
