"""/v1/counter: counts a digit in the numbers from 1 to n."""

from typing import Any

from flask_smorest import Blueprint

from api.system.digit_counter_schemas import CounterQuery, CounterView, view

blueprint = Blueprint("counter", __name__, url_prefix="/v1/counter", description="The counter.")


@blueprint.get("")
@blueprint.arguments(CounterQuery, location="query")
@blueprint.response(200, CounterView)
def get(query: dict[str, Any]) -> dict[str, Any]:
    """Count how often a digit occurs in the numbers from 1 to n."""
    return view(**query)
