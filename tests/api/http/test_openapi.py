"""/openapi.json: valid, complete, and true to what the service answers."""

import base64
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from openapi_schema_validator import OAS30Validator
from openapi_spec_validator import validate

from tests.support.images.pictures import encode, picture
from tests.support.services.processes import Running, model_mirror, standalone

PROBLEM = "application/problem+json"
FORMS = {"multipart/form-data", "application/json", "image/*"}
UPLOADS = ["/v1/images", "/v1/predictions"]


@pytest.fixture(scope="module")
def service(request: pytest.FixtureRequest, tmp_path_factory: Any) -> Iterator[Running]:
    """With models their results are checked too; without them all the rest is."""
    if model_mirror():
        yield request.getfixturevalue("whole_service")
        return
    with standalone(tmp_path_factory.mktemp("without-models"), until="/healthz") as running:
        yield running


@pytest.fixture(scope="module")
def openapi(service: Running) -> dict[str, Any]:
    document: dict[str, Any] = requests.get(f"{service.base_url}/openapi.json", timeout=10).json()
    return document


def operations(openapi: dict[str, Any]) -> dict[str, dict[str, Any]]:
    verbs = ("get", "post", "put", "patch", "delete")
    return {
        f"{verb.upper()} {path}": item[verb]
        for path, item in openapi["paths"].items()
        for verb in verbs
        if verb in item
    }


def check(openapi: dict[str, Any], schema: str, instance: Any) -> None:
    """Raise when `instance` is not what the document says of `schema`."""
    reference = {"$ref": f"#/components/schemas/{schema}", "components": openapi["components"]}
    OAS30Validator(with_null(reference)).validate(instance)


def with_null(schema: Any) -> Any:
    """`nullable` beside `oneOf` and `allOf` as client generators read it: this, or null."""
    if isinstance(schema, list):
        return [with_null(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    read = {key: with_null(value) for key, value in schema.items() if key != "nullable"}
    return {"anyOf": [read, {"enum": [None]}]} if schema.get("nullable") is True else read


def test_the_document_is_valid(openapi: dict[str, Any]) -> None:
    validate(openapi)
    assert openapi["openapi"].startswith("3.0."), "Swagger UI 4 knows no newer one"


def test_every_operation_says_what_it_does_and_how_it_fails(openapi: dict[str, Any]) -> None:
    for name, operation in operations(openapi).items():
        assert operation["summary"].endswith("."), name
        assert operation["tags"], name
        reference = operation["responses"]["default"]["$ref"].rpartition("/")[2]
        assert set(openapi["components"]["responses"][reference]["content"]) == {PROBLEM}, name


def test_every_reference_leads_somewhere(openapi: dict[str, Any]) -> None:
    def walk(value: Any) -> Iterator[str]:
        if isinstance(value, dict):
            yield from [value["$ref"]] if isinstance(value.get("$ref"), str) else []
            for each in value.values():
                yield from walk(each)
        elif isinstance(value, list):
            for each in value:
                yield from walk(each)

    references = set(walk(openapi))
    assert references
    for reference in references:
        found = openapi
        for step in reference.removeprefix("#/").split("/"):
            found = found[step]


@pytest.mark.parametrize("path", UPLOADS)
def test_an_upload_says_every_form_it_takes(openapi: dict[str, Any], path: str) -> None:
    body = openapi["paths"][path]["post"]["requestBody"]
    assert set(body["content"]) == FORMS
    form = body["content"]["multipart/form-data"]["schema"]
    assert form["properties"]["file"]["format"] == "binary"


@pytest.mark.parametrize("path", UPLOADS)
def test_the_examples_can_be_sent_as_they_stand(
    openapi: dict[str, Any], service: Running, path: str
) -> None:
    content = openapi["paths"][path]["post"]["requestBody"]["content"]["application/json"]
    OAS30Validator(content["schema"]).validate(content["example"])
    base64.b64decode(content["example"]["data"], validate=True)
    answer = requests.post(service.base_url + path, json=content["example"], timeout=10)
    assert answer.status_code in (200, 201, 202), answer.text
    shown = requests.get(service.base_url + answer.headers["Location"], timeout=10)
    assert shown.json()["id"] == answer.json()["id"]


@pytest.mark.parametrize(
    ("path", "schema"), [("/v1/images", "ImageView"), ("/v1/predictions", "PredictionView")]
)
def test_answers_are_what_the_document_says(
    openapi: dict[str, Any], service: Running, path: str, schema: str
) -> None:
    files = {"file": ("a.png", encode(picture(), "PNG"))}
    fields = {"task": "classify"} if path == "/v1/predictions" else {}
    queued = requests.post(service.base_url + path, data=fields, files=files, timeout=10)
    check(openapi, schema, queued.json())
    waited = requests.post(
        f"{service.base_url}{path}?wait=20", data=fields, files=files, timeout=30
    )
    check(openapi, schema, waited.json())
    refused = requests.post(service.base_url + path, data=fields, timeout=10)
    assert refused.headers["Content-Type"] == PROBLEM
    check(openapi, "Problem", refused.json())
    unknown = requests.get(f"{service.base_url}{path}/unknown", timeout=10)
    assert (unknown.status_code, unknown.headers["Content-Type"]) == (404, PROBLEM)


@pytest.mark.parametrize(
    ("path", "schema"),
    [("/v1/tasks", "TaskList"), ("/v1/models", "ModelList"), ("/readyz", "Readiness")],
)
def test_what_is_listed_is_what_the_document_says(
    openapi: dict[str, Any], service: Running, path: str, schema: str
) -> None:
    check(openapi, schema, requests.get(service.base_url + path, timeout=10).json())


def test_a_batch_is_what_the_document_says(openapi: dict[str, Any], service: Running) -> None:
    content = openapi["paths"]["/v1/batches"]["post"]["requestBody"]["content"]
    schema, example = (content["application/json"][name] for name in ("schema", "example"))
    OAS30Validator(schema | {"components": openapi["components"]}).validate(example)
    check(openapi, "BatchItemRequest", example["items"][0])
    batch = requests.post(f"{service.base_url}/v1/batches", json=example, timeout=10)
    assert batch.status_code == 202, batch.text
    check(openapi, "BatchView", batch.json())
    items = requests.get(batch.json()["urls"]["items"], timeout=10)
    check(openapi, "BatchItemList", items.json())
    assert items.json()["items"][0]["error"]["code"] == "image_not_found"
