"""/v1/analytics: popular queries, queries without results, click and vote rates."""

from typing import Any

from flask_smorest import Blueprint

from api.accounts.permissions import ml_team_required
from api.analytics.schemas import (
    DayRatesList,
    QueriesQuery,
    QueryCounts,
    RatesQuery,
    count_view,
    rates_view,
)
from api.analytics.service import list_daily_rates, list_queries
from api.http.pagination import page_answer
from common.search.analytics import missed_queries, top_queries

blueprint = Blueprint("analytics", __name__, url_prefix="/v1/analytics", description="Analytics.")


@blueprint.get("/queries")
@ml_team_required
@blueprint.arguments(QueriesQuery, location="query")
@blueprint.response(200, QueryCounts)
def top(query: dict[str, Any]) -> Any:
    """List the most frequent queries. For the ML team."""
    return page_answer(list_queries(top_queries, query), query, count_view)


@blueprint.get("/misses")
@ml_team_required
@blueprint.arguments(QueriesQuery, location="query")
@blueprint.response(200, QueryCounts)
def misses(query: dict[str, Any]) -> Any:
    """List the queries that most often found nothing. For the ML team."""
    return page_answer(list_queries(missed_queries, query), query, count_view)


@blueprint.get("/feedback")
@ml_team_required
@blueprint.arguments(RatesQuery, location="query")
@blueprint.response(200, DayRatesList)
def feedback(query: dict[str, Any]) -> Any:
    """List click and vote rates by day and model. For the ML team."""
    return page_answer(list_daily_rates(query), query, rates_view)
