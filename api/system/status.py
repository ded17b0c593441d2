"""/, /healthz and /readyz: is it there, and does it work?"""

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
FRONT_DOOR = {"application/json": {"schema": Service}, "text/html": {"schema": {"type": "string"}}}


@blueprint.get("/")
@blueprint.response(200, Service)
@blueprint.doc(responses={"200": {"description": "OK", "content": FRONT_DOOR}})
def home() -> Response:
    """The page for people; for programs that ask for JSON, what this service is."""
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
    """This process answers; nothing else is asked."""
    return {"status": OK}


@blueprint.get("/readyz")
@blueprint.response(200, Readiness)
@blueprint.alt_response(503, schema=Readiness, description="Something is missing")
def readiness() -> Any:
    """200 when predictions of every task can be made; with `?for=uploads`, when uploads can be
    accepted; with `?for=classify`, when that task's can be made. An answer may be 2 seconds old.

    `checks` says what is missing to admins and to callers from private networks.
    """
    wanted = request.args.get("for")
    if wanted == "uploads":
        checks = app_state().readiness.for_uploads()
    else:
        tasks = [contract(wanted).name] if wanted else list(contracts())
        checks = app_state().readiness.for_predictions(tasks)
    ready = all(found == OK for found in checks.values())
    said: dict[str, Any] = {"status": "ready" if ready else "not ready"}
    return said | ({"checks": checks} if is_internal_caller() else {}), 200 if ready else 503
