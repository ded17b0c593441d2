"""Null for an optional field means that the field is left out, in every JSON body and task."""

from collections.abc import Iterator
from typing import Any

import pytest
import requests

from common.tasks import contracts
from tests.support.abuse.bad_requests import BASE64
from tests.support.http.accounts import PASSWORD, Account, sign_up
from tests.support.http.calls import PATIENCE

TASK = {"task": "classify"}


@pytest.fixture(scope="module")
def document(url: str) -> Any:
    return requests.get(f"{url}/openapi.json", timeout=PATIENCE).json()


@pytest.fixture(scope="module")
def anna(url: str) -> Account:
    return sign_up(url)


def resolved(document: Any, schema: Any) -> Any:
    if "$ref" in schema:
        return document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return schema


def json_bodies(document: Any) -> Iterator[tuple[str, str, Any]]:
    """Method, path and schema of every operation that reads a JSON object."""
    for path, operations in document["paths"].items():
        for method in operations.keys() - {"parameters"}:
            content = operations[method].get("requestBody", {}).get("content", {})
            schema = resolved(document, content.get("application/json", {}).get("schema", {}))
            if "properties" in schema:
                yield method, path, schema


def test_every_optional_field_is_documented_as_nullable(document: Any) -> None:
    found = 0
    for method, path, schema in json_bodies(document):
        for name, about in schema["properties"].items():
            is_optional = name not in schema.get("required", [])
            assert about.get("nullable", False) == is_optional, (method, path, name)
            found += is_optional
    assert found > 20


def test_null_is_taken_for_every_optional_field(url: str, anna: Account, document: Any) -> None:
    """Every body with what it needs and null for all the rest, and for each alone."""
    image = requests.post(
        f"{url}/v1/images", json={"data": BASE64}, headers=anna.headers, timeout=PATIENCE
    ).json()["id"]
    needed: dict[tuple[str, str], dict[str, Any]] = {
        ("post", "/v1/images"): {"data": BASE64},
        ("post", "/v1/images/similar"): {"data": BASE64},
        ("post", "/v1/predictions"): TASK | {"data": BASE64},
        ("post", "/v1/posts"): {"data": BASE64},
        ("patch", "/v1/images/{id}"): {"visibility": "private"},
        ("patch", "/v1/users/me"): {"email": f"{anna.name.replace(' ', '.')}@example.net",
                                    "current_password": PASSWORD},
        ("post", "/v1/keys"): {"name": "x"},
    }  # fmt: skip
    tried = set()
    for method, path, schema in json_bodies(document):
        if (wanted := needed.get((method, path))) is None:
            continue
        optional = [name for name in schema["properties"] if name not in wanted]
        for names in ([name] for name in optional):
            answer = requests.request(
                method,
                url + path.replace("{id}", image),
                json=wanted | dict.fromkeys(names),
                headers=anna.headers,
                timeout=PATIENCE,
            )
            assert answer.ok, (method, path, names, answer.text)
        tried.add((method, path))
    assert tried == needed.keys()


def test_null_in_a_patch_changes_nothing(url: str, anna: Account) -> None:
    made = requests.post(
        f"{url}/v1/images?name=x.jpg&visibility=unlisted",
        json={"data": BASE64},
        headers=anna.headers,
        timeout=PATIENCE,
    ).json()
    where = f"{url}/v1/images/{made['id']}"
    fields: dict[str, Any] = {"file_name": None, "visibility": "unlisted"}
    changed = requests.patch(where, json=fields, headers=anna.headers, timeout=PATIENCE)
    assert (changed.status_code, changed.json()["file_name"]) == (200, made["file_name"])
    fields = {"file_name": None, "visibility": None}
    nothing = requests.patch(where, json=fields, headers=anna.headers, timeout=PATIENCE)
    assert nothing.status_code == 422


def test_null_for_what_is_needed_or_unknown_is_refused(url: str, anna: Account) -> None:
    for path, fields, blamed in (
        ("/v1/users", {"name": None, "email": "x@example.org", "password": PASSWORD}, "name"),
        ("/v1/predictions", {"task": None, "data": BASE64}, "task"),
        ("/v1/predictions", TASK | {"data": BASE64, "colour": None}, "colour"),
        ("/v1/keys", {"name": None}, "name"),
    ):
        answer = requests.post(url + path, json=fields, headers=anna.headers, timeout=PATIENCE)
        assert (answer.status_code, list(answer.json()["errors"])) == (422, [blamed])


def test_params_of_tasks_may_be_null() -> None:
    for each in contracts().values():
        given = {name: None for name, field in each.params().fields.items() if not field.required}
        needed = {"query": "cat"} if each.name == "search" else {}
        assert each.check_params(given | needed) == each.check_params(needed), each.name


def test_an_item_of_a_batch_may_have_nulls(url: str, anna: Account) -> None:
    image = requests.post(
        f"{url}/v1/images", json={"data": BASE64}, headers=anna.headers, timeout=PATIENCE
    ).json()["id"]
    items = [
        {"custom_id": "a", "image_id": image, "params": None, **TASK},
        {"custom_id": "b", "image_id": image, "params": {"top_k": None}, **TASK},
    ]
    batch = requests.post(
        f"{url}/v1/batches", json={"items": items}, headers=anna.headers, timeout=PATIENCE
    ).json()
    shown = requests.get(batch["urls"]["items"], headers=anna.headers, timeout=PATIENCE).json()
    assert [item["error"] for item in shown["items"]] == [None, None]
