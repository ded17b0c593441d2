"""/v1/tasks and /v1/models: what can be asked, and what answers."""

from typing import Any

from flask_smorest import Blueprint

from api.documentation import json_schema
from api.readiness import engines
from api.reports import installed
from api.schemas.catalogue import ModelList, TaskList
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
    found: dict[tuple[str, ...], dict[str, Any]] = {}
    for task, model, is_default in installed(engines()):
        item = found.setdefault(
            (task, model["name"], model["version"], model.get("sha256", "")),
            {"task": task, **model, "default": False},
        )
        item["default"] |= is_default
    return {"items": [found[key] for key in sorted(found)]}
