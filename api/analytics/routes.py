"""/v1/analytics: popular queries, queries without results, click and vote rates."""

from typing import Any

from flask import request, url_for
from flask_smorest import Blueprint

from api.accounts.permissions import ml_team_required
from api.analytics.schemas import DayRatesList, QueriesQuery, QueryCounts, RatesQuery
from api.analytics.service import list_daily_rates, list_queries
from common.search.analytics import missed_queries, top_queries

blueprint = Blueprint("analytics", __name__, url_prefix="/v1/analytics", description="Analytics.")


@blueprint.get("/queries")
@ml_team_required
@blueprint.arguments(QueriesQuery, location="query")
@blueprint.response(200, QueryCounts)
def top(query: dict[str, Any]) -> Any:
    """List the most frequent queries. For the ML team."""
    return _linked(list_queries(top_queries, query))


@blueprint.get("/misses")
@ml_team_required
@blueprint.arguments(QueriesQuery, location="query")
@blueprint.response(200, QueryCounts)
def misses(query: dict[str, Any]) -> Any:
    """List the queries that most often found nothing. For the ML team."""
    return _linked(list_queries(missed_queries, query))


@blueprint.get("/feedback")
@ml_team_required
@blueprint.arguments(RatesQuery, location="query")
@blueprint.response(200, DayRatesList)
def feedback(query: dict[str, Any]) -> Any:
    """List click and vote rates by day and model. For the ML team."""
    return _linked(list_daily_rates(query))


def _linked(page: dict[str, Any]) -> Any:
    if page["next"] is None:
        return page
    about = {**request.args.to_dict(), "cursor": page["next"]}
    link = url_for(str(request.endpoint), _external=True, **about)
    return page, 200, {"Link": f'<{link}>; rel="next"'}
