"""/v1/tasks and /v1/models: the tasks of the service and the models of its engines."""

from typing import Any

from flask_smorest import Blueprint

from api.http.openapi import json_schema
from api.state import services
from api.system.catalogue_schemas import ModelList, TaskList
from api.system.engine_reports import models_in, running_engines
from common.tasks import contracts

blueprint = Blueprint("catalogue", __name__, url_prefix="/v1", description="Tasks and models.")


@blueprint.get("/tasks")
@blueprint.response(200, TaskList)
def tasks() -> dict[str, Any]:
    """List the tasks with the JSON Schemas of their params and results."""
    items = [
        {
            "name": each.name,
            "summary": each.summary,
            "params": json_schema(each.params),
            "result": json_schema(each.result),
        }
        for each in contracts().values()
    ]
    return {"items": items}


@blueprint.get("/models")
@blueprint.response(200, ModelList)
def models() -> dict[str, Any]:
    """List the models of the running engines; a request may select any of them by `model`."""
    return {"items": models_in(running_engines(services().sessions))}
