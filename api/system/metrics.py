"""/metrics: for Prometheus. Proxies in front must not expose it."""

from flask import Blueprint, Response

from api.state import app_state
from common.observability.metrics.exporter import CONTENT_TYPE, expose

blueprint = Blueprint("metrics", __name__)


@blueprint.get("/metrics")
def metrics() -> Response:
    """Return the metrics of this process, of its sibling processes and of the rows, as text."""
    text = expose(app_state().services.metrics, *app_state().collectors)
    return Response(text, content_type=CONTENT_TYPE)
