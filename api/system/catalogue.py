"""/v1/tasks and /v1/models: what can be asked, and what answers."""

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
    """Every task with the JSON Schemas of its params and its result."""
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
    """The models of the engines that are running now; a request may name any of them."""
    return {"items": models_in(running_engines(services().sessions))}
