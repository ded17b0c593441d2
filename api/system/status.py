"""/, /healthz and /readyz: the start page, liveness and readiness."""

from typing import Any

from flask import Response, jsonify, make_response, render_template, request, url_for
from flask_smorest import Blueprint

from api.accounts.permissions import is_internal_caller
from api.http.openapi import VERSION
from api.state import app_state
from api.system.catalogue_schemas import Health, Readiness, Service
from api.system.readiness import OK
from common.tasks import contract, contracts

blueprint = Blueprint("status", __name__, description="The service itself.")
START_PAGE = {"application/json": {"schema": Service}, "text/html": {"schema": {"type": "string"}}}


@blueprint.get("/")
@blueprint.response(200, Service)
@blueprint.doc(responses={"200": {"description": "OK", "content": START_PAGE}})
def home() -> Response:
    """Return the start page, or the name and version of the service if JSON is requested."""
    if request.accept_mimetypes.best_match(["text/html", "application/json"]) == "text/html":
        response = make_response(render_template("home.html"))
    else:
        response = jsonify(
            name="Afterimage", version=VERSION, status="ok", docs=url_for("docs.page")
        )
    response.vary.add("Accept")
    return response


@blueprint.get("/healthz")
@blueprint.response(200, Health)
def health() -> dict[str, str]:
    """Check that the process answers."""
    return {"status": OK}


@blueprint.get("/readyz")
@blueprint.response(200, Readiness)
@blueprint.alt_response(503, schema=Readiness, description="A dependency is missing")
def readiness() -> Any:
    """Check whether predictions of all tasks but optional ones can be made: 200, else 503.

    `?for=uploads` checks whether uploads can be accepted, `?for=classify` one task. The
    answer may be 2 seconds old. Admins and callers from private networks also get `checks`.
    """
    wanted = request.args.get("for")
    if wanted == "uploads":
        checks = app_state().readiness.for_uploads()
    else:
        required = [name for name, each in contracts().items() if not each.optional]
        tasks = [contract(wanted).name] if wanted else required
        checks = app_state().readiness.for_predictions(tasks)
    ready = all(found == OK for found in checks.values())
    body: dict[str, Any] = {"status": "ready" if ready else "not ready"}
    return body | ({"checks": checks} if is_internal_caller() else {}), 200 if ready else 503
