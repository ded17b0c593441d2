"""Read a request's body: JSON, multipart or the raw bytes of an image, and nothing else."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, NoReturn

from flask import Request
from werkzeug.datastructures import MultiDict

from api.http.body.charsets import query_file_name
from api.http.body.multipart import Form, parse, refuse_nameless
from api.http.body.reader import read_whole
from api.http.body.strict_json import MOST_VALUES, DuplicateName, parse_json
from common.errors import InputFault, Malformed, UnsupportedMedia
from common.images.validation import decode_base64

FILE_FIELDS = ("file", "image")
JSON_FIELDS = ("params", "metadata", "deadline")  # also in a form or a query, which hold only text
MAY_BE_EMPTY = (
    *JSON_FIELDS,
    "model",
    "visibility",
    "webhook",
)  # as forms send what was not filled in
RAW = "application/octet-stream"
SMALL = 64 * 1024  # bytes of a body that has no image in it
LARGE = 1024 * 1024  # of one that lists many things


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
    query.pop("name", None)
    fields = _merged(_from_text(query), body.fields)
    return replace(body, fields=fields, file_name=body.file_name or query_file_name(request))


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
        return parse_json(raw.decode("utf-8-sig"), strict)
    except DuplicateName as error:
        detail = f"The name {str(error)[:40]!a} occurs twice in one JSON object. Send it once."
        raise Malformed(detail, code="invalid_json") from error
    except (ValueError, RecursionError) as error:
        detail = f"The body is not JSON in UTF-8 of at most {MOST_VALUES:,} values."
        raise Malformed(detail, code="invalid_json") from error


def read_fields(
    request: Request, *, may_be_empty: bool = False, limit: int = SMALL
) -> dict[str, Any]:
    """Return the JSON object that is a request's body of at most `limit` bytes; raises
    UnsupportedMedia for another type, TooLarge for a longer body.

    With `may_be_empty`, a request without a body gives no fields.
    """
    raw = read_whole(request, limit)
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


def _from_json(fields: dict[str, Any]) -> Body:
    # Null is the same as leaving the field out, here as in every schema.
    given = {k: v for k, v in fields.items() if v is not None or k not in ("data", "name")}
    if "data" not in given:
        return Body(given, image_field="data")
    data, name = given.pop("data"), given.pop("name", None)
    if not isinstance(data, str):
        raise InputFault("`data` must be a string.", errors={"data": ["must be base64 text"]})
    if name is not None and not isinstance(name, str):
        raise InputFault("`name` must be a string.", errors={"name": ["must be text"]})
    with blame("data"):
        return Body(given, decode_base64(data), name)


def _from_multipart(request: Request) -> Body:
    form = _form(request)
    refuse_nameless(form)
    files = [part for part in form.files if part.name in FILE_FIELDS]
    fields = _single(_texts(form))
    if len(files) > 1 or (files and "data" in fields):
        raise InputFault("Send exactly one image.", code="exactly_one_image")
    for name in FILE_FIELDS:
        if not files and name in fields:
            _tell_how_to_attach(name)
    read = _from_text(fields)
    return Body(read, files[0].data, form.file_name(files[0])) if files else Body(read)


def read_file(request: Request, name: str) -> tuple[bytes, str | None]:
    """Return the bytes and the file name of the form's one file of this name; the form's other
    parts are ignored. Raises InputFault when there is none, or more than one.
    """
    if request.mimetype != "multipart/form-data":
        raise UnsupportedMedia("Send multipart/form-data.")
    form = _form(request)
    files = [part for part in form.files if part.name == name]
    if not files and any(part.name == name for part in form.texts):
        _tell_how_to_attach(name)
    if len(files) != 1:
        code = "exactly_one_image" if files else "image_missing"
        detail = f"Send exactly one file, as `{name}`."
        raise InputFault(detail, code=code, errors={name: [detail]})
    return files[0].data, form.file_name(files[0])


def _form(request: Request) -> Form:
    boundary = request.mimetype_params.get("boundary", "")
    if not (boundary and boundary.isascii()):
        raise Malformed("multipart/form-data without a boundary.", code="boundary_missing")
    raw = read_whole(request)
    return parse(raw, boundary) if raw else Form([], [])


def _texts(form: Form) -> MultiDict[str, str]:
    return MultiDict([(part.name, form.text(part)) for part in form.texts])


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
            parsed[name] = parse_json(fields[name])
        except (ValueError, RecursionError) as error:
            raise InputFault(
                f"`{name}` must be JSON.", errors={name: ["not valid JSON"]}
            ) from error
    return parsed
