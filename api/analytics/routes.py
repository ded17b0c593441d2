"""/v1/analytics: what is searched for, what is not found, how good the results are."""

from typing import Any

from flask import request, url_for
from flask_smorest import Blueprint

from api.accounts.requirements import for_ml_team
from api.analytics.schemas import DayRatesList, QueriesQuery, QueryCounts, RatesQuery
from api.analytics.service import by_day, queries
from common.search.analytics import missed_queries, top_queries

blueprint = Blueprint("analytics", __name__, url_prefix="/v1/analytics", description="Analytics.")


@blueprint.get("/queries")
@for_ml_team
@blueprint.arguments(QueriesQuery, location="query")
@blueprint.response(200, QueryCounts)
def top(query: dict[str, Any]) -> Any:
    """The queries searched for most, for the ML team."""
    return _linked(queries(top_queries, query))


@blueprint.get("/misses")
@for_ml_team
@blueprint.arguments(QueriesQuery, location="query")
@blueprint.response(200, QueryCounts)
def misses(query: dict[str, Any]) -> Any:
    """The queries that found nothing most often, for the ML team."""
    return _linked(queries(missed_queries, query))


@blueprint.get("/feedback")
@for_ml_team
@blueprint.arguments(RatesQuery, location="query")
@blueprint.response(200, DayRatesList)
def feedback(query: dict[str, Any]) -> Any:
    """How often results are looked at and voted on, by day and model, for the ML team."""
    return _linked(by_day(query))


def _linked(page: dict[str, Any]) -> Any:
    if page["next"] is None:
        return page
    about = {**request.args.to_dict(), "cursor": page["next"]}
    link = url_for(str(request.endpoint), _external=True, **about)
    return page, 200, {"Link": f'<{link}>; rel="next"'}
