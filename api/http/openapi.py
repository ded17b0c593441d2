"""The OpenAPI document: settings, request bodies with several content types, task schemas."""

from functools import cache
from importlib.metadata import version
from typing import Any

from apispec import APISpec
from apispec.ext.marshmallow import MarshmallowPlugin
from flask import Flask
from flask_smorest import Api
from marshmallow import Schema

from api.batches.schemas import BatchItemRequest
from api.predictions.model_schemas import MODEL_METADATA
from api.webhooks.schemas import WEBHOOK, WEBHOOK_URL
from common.predictions.constants import LONGEST_DEADLINE, SHORTEST_DEADLINE
from common.social.posts import LONGEST_TEXT
from common.tasks import contracts, image_tasks

VERSION = version("afterimage")
ABOUT = """Upload an image and read its labels, objects, outlines, caption or vector when ready.

Every accepted upload reaches a final state. Errors are `application/problem+json` (RFC 9457)."""

CREDENTIALS = {  # offered by the Authorize button of /docs
    "token": {
        "type": "http",
        "scheme": "bearer",
        "description": "An access token of `POST /token`, or an API key of `POST /v1/keys`.",
    },
    "key": {
        "type": "apiKey",
        "in": "header",
        "name": "X-API-Key",
        "description": "The same values.",
    },
}
SECURITY: list[dict[str, list[str]]] = [{}, {"token": []}, {"key": []}]  # {}: also without

_IMAGE_FILE = {"type": "string", "format": "binary", "description": "The image."}
_RAW = {"image/*": {"schema": {"type": "string", "format": "binary"}}}
_BASE64 = {
    "name": {"type": "string", "description": "The image's file name."},
    "data": {"type": "string", "format": "byte", "description": "The image in base64."},
}
_SQUARE = (  # a grey PNG of 16 x 16 pixels: the examples can be sent unchanged
    "iVBORw0KGgoAAAANSUhEUgAAABAAAAAQCAAAAAA6mKC9AAAAD0lEQVR42mM4gQYYRrYAAEdGyAEmphyqAAAAAElFTkSu"
    "QmCC"
)
_EXAMPLE = {"name": "square.png", "data": _SQUARE}
_VISIBILITY = {
    "type": "string",
    "enum": ["private", "unlisted", "public"],
    "description": "Default: `private` for accounts, `unlisted` for anonymous callers.",
}
_FRESH = {
    "type": "boolean",
    "default": False,
    "description": "Compute the result again even if a cached one exists.",
}
_COMMON = {"visibility": _VISIBILITY, "fresh": _FRESH, "webhook": WEBHOOK_URL}


def _object(properties: dict[str, Any], required: list[str]) -> dict[str, Any]:
    found: dict[str, Any] = {"type": "object", "properties": properties}
    return (
        {**found, "required": required} if required else found
    )  # OpenAPI does not allow an empty list


def _body(
    description: str, form: dict[str, Any], json: dict[str, Any], example: dict[str, Any]
) -> dict[str, Any]:
    return {
        "description": description,
        "required": True,
        "content": {
            "multipart/form-data": {"schema": form},
            "application/json": {"schema": _nullable(json), "example": example},
            **_RAW,
        },
    }


def _nullable(schema: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of an object with its optional properties nullable, as in RequestSchema."""
    properties = {
        name: each if name in schema.get("required", ()) else {**each, "nullable": True}
        for name, each in schema["properties"].items()
    }
    return {**schema, "properties": properties}


def json_body(schema: type[Schema]) -> dict[str, Any]:
    """Return the request body for JSON of this schema."""
    return {"required": True, "content": {"application/json": {"schema": schema}}}


UPLOAD_BODY = _body(
    "A form, JSON with base64, or the raw image, with its file name in `?name=`.",
    _object({"file": _IMAGE_FILE, **_COMMON}, ["file"]),
    _object({**_BASE64, **_COMMON, "webhook": WEBHOOK}, ["data"]),
    _EXAMPLE,
)
SIMILAR_BODY = _body(
    "A form, JSON with base64, or the raw image, with its file name in `?name=`.",
    _object({"file": _IMAGE_FILE, "visibility": _VISIBILITY}, ["file"]),
    _object({**_BASE64, "visibility": _VISIBILITY}, ["data"]),
    _EXAMPLE,
)
_TASK = {
    "task": {"type": "string", "enum": list(image_tasks()), "example": "classify"},
    "params": {
        "type": "object",
        "description": "See `GET /v1/tasks`. Omitted params have the task's defaults.",
        "example": {},
    },
    "metadata": {
        "type": "object",
        "description": "Any JSON object; returned unchanged with the prediction.",
        "example": {"album": "squares"},
    },
    **_COMMON,
    "model": MODEL_METADATA,
    "deadline": {
        "type": "number",
        "minimum": SHORTEST_DEADLINE,
        "maximum": LONGEST_DEADLINE,
        "description": "Seconds after which the prediction expires. Default: 900, for captions "
        "3,600.",
    },
}
_IMAGE_ID = {
    "type": "string",
    "format": "uuid",
    "description": "The id of a stored image, instead of an upload.",
}
PREDICTION_BODY = _body(
    "A form or JSON, with the image or with the `image_id` of a stored one; or the raw image, "
    "with `?task=` and `?name=` in the query.",
    _object({"file": _IMAGE_FILE, **_TASK}, ["file", "task"]),
    _object({**_TASK, "webhook": WEBHOOK, "image_id": _IMAGE_ID, **_BASE64}, ["task"]),
    {"task": "classify", **_EXAMPLE},
)

_POST = {
    "text": {"type": "string", "minLength": 1, "maxLength": LONGEST_TEXT, "example": "A square."},
    **_COMMON,
}
POST_BODY = _body(
    "A form or JSON, with the image or with the `image_id` of one of yours; or the raw image, "
    "with `?text=` and `?name=` in the query.",
    _object({"file": _IMAGE_FILE, **_POST}, ["file"]),
    _object({**_POST, "webhook": WEBHOOK, "image_id": _IMAGE_ID, **_BASE64}, []),
    {"text": "A square.", **_EXAMPLE},
)


def configure(app: Flask) -> None:
    """Set the configuration that flask-smorest reads."""
    app.config.update(
        API_TITLE="Afterimage",
        API_VERSION=VERSION,
        OPENAPI_VERSION="3.0.3",  # what Swagger UI 4 understands
        OPENAPI_URL_PREFIX="/",
        OPENAPI_JSON_PATH="openapi.json",
        API_SPEC_OPTIONS={"info": {"description": ABOUT}, "security": SECURITY},
    )


def register_tasks(api: Api) -> None:
    """Register the credentials and the schemas of batch items and of every task's params and
    results.
    """
    for name, scheme in CREDENTIALS.items():
        api.spec.components.security_scheme(name, scheme)
    api.spec.components.schema(BatchItemRequest.__name__, schema=BatchItemRequest)
    for each in contracts().values():
        for schema in (each.params, each.result):
            api.spec.components.schema(schema.__name__, schema=schema)


@cache
def json_schema(schema: type[Schema]) -> dict[str, Any]:
    """Return `schema` as one self-contained JSON Schema."""
    plugin = MarshmallowPlugin(schema_name_resolver=lambda _schema: "")
    APISpec("tasks", VERSION, "3.1.0", plugins=[plugin])
    assert plugin.converter is not None
    return dict(plugin.converter.schema2jsonschema(schema()))
