"""Read the items of a batch from a JSON or JSON Lines body, and validate each of them."""

import json
from collections.abc import Iterable, Iterator
from typing import Any

from marshmallow import ValidationError

from api.batches.schemas import BatchItemRequest
from api.http.body.parser import read_value
from api.http.errors import INVALID_FIELDS
from api.predictions.requests import new_task_request
from common.batches import MOST_ITEMS, Item
from common.errors import InputFault, Malformed, UnsupportedMedia
from common.predictions import TaskRequest

LINES = ("application/x-ndjson", "application/jsonl")
LONGEST_DETAIL = 1_000  # characters
ITEM = BatchItemRequest()


def read_values(raw: bytes, mimetype: str) -> list[Any]:
    """The values that the body lists, a Malformed in place of each line that is not JSON.

    Raises InputFault for no items or too many, Malformed for a body that is not JSON,
    UnsupportedMedia for another media type.
    """
    if mimetype in LINES:
        values = _from_lines(raw)
    elif mimetype == "application/json":
        values = _from_json(read_value(raw))
    else:
        raise UnsupportedMedia(f"Send application/json, or {LINES[0]} with one item per line.")
    if not 0 < len(values) <= MOST_ITEMS:
        detail = f"Send 1 to {MOST_ITEMS:,} items."
        raise InputFault(detail, code="batch_size", errors={"items": [detail]})
    return values


def _from_json(value: Any) -> list[Any]:
    if isinstance(value, dict) and value.keys() == {"items"}:
        value = value["items"]
    if not isinstance(value, list):
        errors = {"items": ["must be a list, and the only field"]}
        raise InputFault("Send a list of items, or an object with `items`.", errors=errors)
    return value


def _from_lines(raw: bytes) -> list[Any]:
    # Blank lines are skipped, but their number is limited too.
    lines = raw.removeprefix(b"\xef\xbb\xbf").split(b"\n", 2 * MOST_ITEMS)
    if not raw.strip():
        raise Malformed("The body is empty; send one item per line.", code="body_missing")
    full = [line for line in lines if not line.isspace() and line]
    if len(full) > MOST_ITEMS or len(lines) > 2 * MOST_ITEMS:
        return full + lines  # too many
    return [_from_line(line) for line in full]


def _from_line(line: bytes) -> Any:
    try:
        return read_value(line)
    except Malformed:
        return Malformed("The line is not valid JSON in UTF-8.", code="invalid_json")


def read_items(values: Iterable[Any]) -> Iterator[Item]:
    """Validate each value; the item of an invalid one has a `fault`. Raises QueueFull."""
    custom_ids: set[str] = set()
    for value in values:
        yield _item(value, custom_ids)


def _item(value: Any, custom_ids: set[str]) -> Item:
    if isinstance(value, Malformed):
        return Item(fault=(value.code, value.detail))
    request, fault = None, None
    try:
        fields = ITEM.load(value)
        request = _task_request(fields, custom_ids)
    except ValidationError as error:
        valid = error.valid_data
        fields = valid if isinstance(valid, dict) else {}
        fault = ("invalid", _detail(INVALID_FIELDS, error.normalized_messages()))
    except InputFault as error:
        fault = (error.code, _detail(error.detail, error.errors))
    custom_id, task = fields.get("custom_id"), fields.get("task")
    if custom_id:
        custom_ids.add(custom_id)
    image = fields.get("image_id")
    known = task[:32] if task else None
    return Item(custom_id=custom_id, task=known, image_id=image, request=request, fault=fault)


def _task_request(fields: dict[str, Any], custom_ids: set[str]) -> TaskRequest:
    if fields["custom_id"] in custom_ids:
        detail = "Another item of the batch has this custom_id; send a unique one."
        raise InputFault(detail, code="custom_id_taken")
    return new_task_request(fields["task"], fields["params"])


def _detail(detail: str, errors: dict[str, Any] | None) -> str:
    return f"{detail} {json.dumps(errors)}"[:LONGEST_DETAIL] if errors else detail
