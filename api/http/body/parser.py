"""Parse a request's body: JSON, multipart/form-data or the raw bytes of an image."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, NoReturn

from flask import Request
from werkzeug.datastructures import MultiDict

from api.http.body.charsets import query_file_name
from api.http.body.multipart import Form, parse, refuse_nameless
from api.http.body.reader import read_whole
from api.http.body.strict_json import MAX_VALUES, DuplicateName, parse_json
from common.errors import InputFault, Malformed, UnsupportedMedia
from common.images.validation import decode_base64

FILE_FIELDS = ("file", "image")
JSON_FIELDS = ("params", "metadata", "deadline")  # parsed as JSON in forms and queries too
# Forms send an empty string for an input without a value.
MAY_BE_EMPTY = (*JSON_FIELDS, "model", "visibility", "webhook")
RAW = "application/octet-stream"
SMALL = 64 * 1024  # bytes; for a body without an image
LARGE = 1024 * 1024  # bytes; for a body with a long list


@dataclass(frozen=True, slots=True)
class Body:
    """The fields of a request and, if it has one, its image."""

    fields: dict[str, Any] = field(default_factory=dict)
    image: bytes | None = None
    file_name: str | None = None
    image_field: str = "file"  # the field that errors about the image name


def check_one_image(body: Body, has_id: bool, which: str) -> None:
    """Raise InputFault unless the request has either an image or the id of a stored one."""
    if (body.image is None) == (not has_id):
        code = "image_missing" if body.image is None else "exactly_one_image"
        detail = f"Send exactly one image, or the `image_id` of {which}."
        raise InputFault(detail, code=code, errors={body.image_field: [detail]})


def required_image(body: Body) -> bytes:
    """Return the image of the body; raises InputFault `image_missing` if it is missing."""
    if body.image is None:
        detail = "The request contains no image; send one."
        raise InputFault(detail, code="image_missing", errors={body.image_field: [detail]})
    return body.image


def read_body(request: Request, ignored: Collection[str] = ()) -> Body:
    """Return the fields and the image of a body in any of the accepted media types.

    Fields may also be in the query; query parameters named in `ignored` are not fields. Raises
    InputFault or one of its subclasses for an invalid body.
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
    query = _single(request.args, ignored)
    query.pop("name", None)
    fields = _merged(_from_text(query), body.fields)
    return replace(body, fields=fields, file_name=body.file_name or query_file_name(request))


def read_json(raw: bytes, *, strict: bool = True) -> dict[str, Any]:
    """Return the JSON object in `raw` (UTF-8); `strict=False` allows line breaks inside strings.

    Raises Malformed for invalid JSON, including NaN and numbers out of range, and InputFault for a
    value that is not an object.
    """
    value = read_value(raw, strict=strict)
    if not isinstance(value, dict):
        raise InputFault("The body must be a JSON object.", errors={"_schema": ["not an object"]})
    return value


def read_value(raw: bytes, *, strict: bool = True) -> Any:
    """Return the JSON value in `raw`, of any type; raises Malformed as `read_json` does."""
    if not raw.strip():
        raise Malformed("The body is empty. Send a JSON document.", code="body_missing")
    try:
        return parse_json(raw.decode("utf-8-sig"), strict)
    except DuplicateName as error:
        detail = f"The name {str(error)[:40]!a} occurs twice in a JSON object. Send it once."
        raise Malformed(detail, code="invalid_json") from error
    except (ValueError, RecursionError) as error:
        detail = f"The body is not valid JSON. Send JSON in UTF-8 of at most {MAX_VALUES:,} values."
        raise Malformed(detail, code="invalid_json") from error


def read_fields(
    request: Request, *, may_be_empty: bool = False, limit: int = SMALL
) -> dict[str, Any]:
    """Return the JSON object in the request's body of at most `limit` bytes.

    With `may_be_empty`, a request without a body has no fields. Raises UnsupportedMedia for another
    media type, TooLarge for a longer body, and the errors of `read_json`.
    """
    raw = read_whole(request, limit)
    if may_be_empty and not raw:
        return {}
    if request.mimetype != "application/json":
        raise UnsupportedMedia("Send application/json.")
    return read_json(raw)


@contextmanager
def blame(name: str) -> Iterator[None]:
    """Name the field `name` in an InputFault that the block raises."""
    try:
        yield
    except InputFault as error:
        error.errors = error.errors or {name: [error.detail]}
        raise


def _from_json(fields: dict[str, Any]) -> Body:
    # Null means the same as leaving the field out, as in all request schemas.
    values = {k: v for k, v in fields.items() if v is not None or k not in ("data", "name")}
    if "data" not in values:
        return Body(values, image_field="data")
    data, name = values.pop("data"), values.pop("name", None)
    if not isinstance(data, str):
        raise InputFault(
            "`data` must be a string: the image in base64.",
            errors={"data": ["must be base64 text"]},
        )
    if name is not None and not isinstance(name, str):
        raise InputFault(
            "`name` must be a string: the file name.", errors={"name": ["must be text"]}
        )
    with blame("data"):
        return Body(values, decode_base64(data), name)


def _from_multipart(request: Request) -> Body:
    form = _form(request)
    refuse_nameless(form)
    files = [part for part in form.files if part.name in FILE_FIELDS]
    fields = _single(_texts(form))
    if len(files) > 1 or (files and "data" in fields):
        raise InputFault("Send exactly one image.", code="exactly_one_image")
    for name in FILE_FIELDS:
        if not files and name in fields:
            _refuse_text_for_file(name)
    read = _from_text(fields)
    return Body(read, files[0].data, form.file_name(files[0])) if files else Body(read)


def read_file(request: Request, name: str) -> tuple[bytes, str | None]:
    """Return the bytes and the file name of the form's only file with this field name.

    Other parts are ignored. Raises InputFault if the form has no such file or more than one.
    """
    if request.mimetype != "multipart/form-data":
        raise UnsupportedMedia("Send multipart/form-data.")
    form = _form(request)
    files = [part for part in form.files if part.name == name]
    if not files and any(part.name == name for part in form.texts):
        _refuse_text_for_file(name)
    if len(files) != 1:
        code = "exactly_one_image" if files else "image_missing"
        detail = f"Send exactly one file, as `{name}`."
        raise InputFault(detail, code=code, errors={name: [detail]})
    return files[0].data, form.file_name(files[0])


def _form(request: Request) -> Form:
    boundary = request.mimetype_params.get("boundary", "")
    if not (boundary and boundary.isascii()):
        raise Malformed(
            "The Content-Type has no boundary. Send `multipart/form-data; boundary=…`.",
            code="boundary_missing",
        )
    raw = read_whole(request)
    return parse(raw, boundary) if raw else Form([], [])


def _texts(form: Form) -> MultiDict[str, str]:
    return MultiDict([(part.name, form.text(part)) for part in form.texts])


def _refuse_text_for_file(name: str) -> NoReturn:
    raise InputFault(
        f"`{name}` was sent as text. Send a file: with curl, -F '{name}=@photo.jpg' (mind the @).",
        code="image_missing",
        errors={name: ["must be a file part"]},
    )


def _single(values: MultiDict[str, str], ignored: Collection[str] = ()) -> dict[str, str]:
    """Return the value of each field; raises InputFault if a field has several values."""
    lists = {name: each for name, each in values.lists() if name not in ignored}
    _refuse_repeated(name for name, each in lists.items() if len(each) > 1)
    return {name: each[0] for name, each in lists.items()}


def _merged(query: dict[str, Any], fields: dict[str, Any]) -> dict[str, Any]:
    _refuse_repeated(query.keys() & fields.keys())
    return query | fields


def _refuse_repeated(names: Any) -> None:
    if errors := {name: ["sent more than once"] for name in names}:
        detail = "Some fields were sent more than once. Send each of them once."
        raise InputFault(detail, errors=errors)


def _from_text(fields: dict[str, str]) -> dict[str, Any]:
    """Return the fields without empty optional ones, and with JSON fields parsed."""
    parsed: dict[str, Any] = {
        name: text for name, text in fields.items() if text or name not in MAY_BE_EMPTY
    }
    for name in parsed.keys() & set(JSON_FIELDS):
        try:
            parsed[name] = parse_json(fields[name])
        except (ValueError, RecursionError) as error:
            raise InputFault(
                f"`{name}` is not valid JSON. Send a JSON value.", errors={name: ["not valid JSON"]}
            ) from error
    return parsed
