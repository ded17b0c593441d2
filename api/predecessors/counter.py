"""The sticker search's counter: how often a digit is written when counting to a number."""

from typing import Any

from flask import Blueprint, request

from api.predecessors.deprecation import say_deprecated
from api.schemas.counter import CounterQuery, view

blueprint = Blueprint("old_counter", __name__)
say_deprecated(blueprint, "counter.get")


@blueprint.get("/api/counter")
@blueprint.get("/api/counter/")
def count() -> dict[str, Any]:
    """The same as /v1/counter."""
    return view(**CounterQuery().load(request.args))
