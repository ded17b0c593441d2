"""Read a request's body: JSON, multipart or the raw bytes of an image, and nothing else."""

import json
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from io import BytesIO
from typing import Any, NoReturn

from flask import Request
from werkzeug.datastructures import FileStorage, MultiDict
from werkzeug.formparser import MultiPartParser

from api.framing import read_whole
from common.errors import InputFault, Malformed, UnsupportedMedia
from common.uploads import decode_base64

FILE_FIELDS = ("file", "image")
JSON_FIELDS = ("params", "metadata", "deadline")  # also in a form or a query, which hold only text
MAY_BE_EMPTY = (
    *JSON_FIELDS,
    "model",
    "visibility",
    "webhook",
)  # as forms send what was not filled in
RAW = "application/octet-stream"
MOST_PARTS = 100
CHUNK = 32 * 1024  # bytes that the multipart parser is fed at a time; the fastest


@dataclass(frozen=True, slots=True)
class Body:
    """What a request carried: its fields, and at most one image."""

    fields: dict[str, Any] = field(default_factory=dict)
    image: bytes | None = None
    file_name: str | None = None
    image_field: str = "file"  # what would have held the image, for errors to name


def check_one_image(body: Body, has_id: bool, which: str) -> None:
    """Raise InputFault unless there is an image, or the id of `which`, and not both."""
    if (body.image is None) == (not has_id):
        code = "image_missing" if body.image is None else "exactly_one_image"
        detail = f"Send exactly one image, or the `image_id` of {which}."
        raise InputFault(detail, code=code, errors={body.image_field: [detail]})


def read_body(request: Request, aside: Collection[str] = ()) -> Body:
    """The body in any of the accepted forms; raises the error that says what is wrong with it.

    Fields may also stand in the query, where those named in `aside` mean something else.
    """
    mimetype = request.mimetype
    if mimetype == "application/json":
        body = _from_json(read_json(read_whole(request)))
    elif mimetype == "multipart/form-data":
        body = _from_multipart(request)
    elif mimetype.startswith("image/") or mimetype == RAW:
        body = Body(image=read_whole(request))
    else:
        raise UnsupportedMedia(
            "Send multipart/form-data, application/json, or the image itself as image/*.",
        )
    query = _single(request.args, aside)
    named = query.pop("name", None)
    fields = _merged(_from_text(query), body.fields)
    return replace(body, fields=fields, file_name=body.file_name or named)


def read_json(raw: bytes, *, strict: bool = True) -> dict[str, Any]:
    """The JSON object in `raw` (UTF-8). `strict=False` lets line ends stand inside strings.

    Raises Malformed for what is not JSON, NaN and numbers out of range included, and InputFault
    when the value is not an object.
    """
    value = read_value(raw, strict=strict)
    if not isinstance(value, dict):
        raise InputFault("The body must be a JSON object.", errors={"_schema": ["not an object"]})
    return value


def read_value(raw: bytes, *, strict: bool = True) -> Any:
    """What `raw` holds as JSON, of any type; raises Malformed as `read_json` does."""
    if not raw.strip():
        raise Malformed("The body is empty; JSON is due.", code="body_missing")
    try:
        return _parse(raw.decode("utf-8-sig"), strict)
    except (ValueError, RecursionError) as error:
        raise Malformed("The body is not valid JSON in UTF-8.", code="invalid_json") from error


def read_fields(request: Request, *, may_be_empty: bool = False) -> dict[str, Any]:
    """The JSON object that is a request's body; raises UnsupportedMedia for another type.

    With `may_be_empty`, a request without a body gives no fields.
    """
    raw = read_whole(request)
    if may_be_empty and not raw:
        return {}
    if request.mimetype != "application/json":
        raise UnsupportedMedia("Send application/json.")
    return read_json(raw)


@contextmanager
def blame(name: str) -> Iterator[None]:
    """Let an InputFault from within say that the field `name` is at fault."""
    try:
        yield
    except InputFault as error:
        error.errors = error.errors or {name: [error.detail]}
        raise


def _parse(text: str, strict: bool = True) -> Any:
    return json.loads(text, strict=strict, parse_constant=_no_number, parse_float=_finite)


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _finite(text: str) -> float:
    number = float(text)
    if number in (float("inf"), float("-inf")):
        raise ValueError("number out of range")
    return number


def _from_json(fields: dict[str, Any]) -> Body:
    if "data" not in fields:
        return Body(fields, image_field="data")
    data, name = fields.pop("data"), fields.pop("name", None)
    if not isinstance(data, str):
        raise InputFault("`data` must be a string.", errors={"data": ["must be base64 text"]})
    if name is not None and not isinstance(name, str):
        raise InputFault("`name` must be a string.", errors={"name": ["must be text"]})
    with blame("data"):
        return Body(fields, decode_base64(data), name)


def _from_multipart(request: Request) -> Body:
    form, parts = _parts(request)
    files = [each for name in FILE_FIELDS for each in parts.getlist(name)]
    fields = _single(form)
    if len(files) > 1 or (files and "data" in fields):
        raise InputFault("Send exactly one image.", code="exactly_one_image")
    for name in FILE_FIELDS:
        if not files and name in fields:
            _tell_how_to_attach(name)
    fields = _from_text(fields)
    return Body(fields, files[0].stream.read(), files[0].filename) if files else Body(fields)


def read_file(request: Request, name: str) -> tuple[bytes, str | None]:
    """The bytes and the file name of the form's one file of this name; the form's other parts are
    passed over. Raises InputFault when there is none, or more than one.
    """
    if request.mimetype != "multipart/form-data":
        raise UnsupportedMedia("Send multipart/form-data.")
    form, parts = _parts(request)
    files = parts.getlist(name)
    if not files and name in form:
        _tell_how_to_attach(name)
    if len(files) != 1:
        code = "exactly_one_image" if files else "image_missing"
        detail = f"Send exactly one file, as `{name}`."
        raise InputFault(detail, code=code, errors={name: [detail]})
    return files[0].stream.read(), files[0].filename


def _parts(request: Request) -> tuple[MultiDict[str, str], MultiDict[str, FileStorage]]:
    """The parts without a file name, and those with one. Flask's own parser calls a broken body an
    empty one, and with a limit on a field's size it refuses files that are longer.
    """
    boundary = request.mimetype_params.get("boundary", "")
    if not (boundary and boundary.isascii()):
        raise Malformed("multipart/form-data without a boundary.", code="boundary_missing")
    if not (raw := read_whole(request)):
        return MultiDict(), MultiDict()
    parser = MultiPartParser(_in_memory, buffer_size=CHUNK, max_form_parts=MOST_PARTS)
    try:
        # The parser would look for it in all of the body, at a megabyte in 0.2 s.
        if f"--{boundary}".encode() not in raw[:CHUNK]:
            raise ValueError("no first boundary")
        return parser.parse(BytesIO(raw), boundary.encode(), len(raw))
    except ValueError as error:
        raise Malformed("The multipart body is broken or cut short.", code="multipart") from error


def _in_memory(*_about: Any, **_more: Any) -> BytesIO:
    """Where a file part goes; what it came in is bounded and in memory already."""
    return BytesIO()


def _tell_how_to_attach(name: str) -> NoReturn:
    raise InputFault(
        f"`{name}` came as text, not as a file. With curl, mind the @: -F '{name}=@photo.jpg'",
        code="image_missing",
        errors={name: ["must be a file part"]},
    )


def _single(values: MultiDict[str, str], aside: Collection[str] = ()) -> dict[str, str]:
    """Each field's one value; raises InputFault when a field came twice."""
    listed = {name: found for name, found in values.lists() if name not in aside}
    _refuse_twice(name for name, found in listed.items() if len(found) > 1)
    return {name: found[0] for name, found in listed.items()}


def _merged(query: dict[str, Any], fields: dict[str, Any]) -> dict[str, Any]:
    _refuse_twice(query.keys() & fields.keys())
    return query | fields


def _refuse_twice(names: Any) -> None:
    if errors := {name: ["came more than once"] for name in names}:
        raise InputFault("Some fields came more than once.", errors=errors)


def _from_text(fields: dict[str, str]) -> dict[str, Any]:
    """A form that was not filled in sends empty texts: where JSON is due, that is none."""
    parsed: dict[str, Any] = {
        name: text for name, text in fields.items() if text or name not in MAY_BE_EMPTY
    }
    for name in parsed.keys() & set(JSON_FIELDS):
        try:
            parsed[name] = _parse(fields[name])
        except (ValueError, RecursionError) as error:
            raise InputFault(
                f"`{name}` must be JSON.", errors={name: ["not valid JSON"]}
            ) from error
    return parsed
