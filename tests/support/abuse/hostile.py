"""Hostile requests made from the OpenAPI page, so that new routes and fields are tried as well."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

MARKS, MORE_MARKS = 10_000, 100_000
ITEMS = 200_000
LEVELS = 100_000
# Marks of different combining classes in turn: normalising them sorts them, in quadratic time.
TEXT, LONGER_TEXT = ("a" + "\u0301\u0316" * (marks // 2) for marks in (MARKS, MORE_MARKS))
LONGEST_PATH = 3_000  # characters of a path or a query; Gunicorn refuses more by itself
JSON, FORM = "application/json", "application/x-www-form-urlencoded"
VERBS = ("get", "post", "put", "patch", "delete")


@dataclass(frozen=True)
class Hostile:
    """A request, and what is hostile about it."""

    what: str
    method: str
    path: str
    content_type: str = ""
    body: bytes | None = None

    def __str__(self) -> str:
        return f"{self.method} {self.path[:60]} {self.what}"


@dataclass(frozen=True)
class Operation:
    """An operation of the OpenAPI page."""

    method: str
    path: str  # with ids put in
    query: list[dict[str, Any]]
    bodies: dict[str, Any]  # schemas by media type

    def with_json(self, what: str, value: Any) -> Hostile:
        """The operation with a value as its body."""
        body = value if isinstance(value, bytes) else json.dumps(value).encode()
        return Hostile(what, self.method, self.path, JSON, body)


def operations(
    document: Any, path: str, verbs: dict[str, Any], ids: dict[str, str]
) -> Iterator[Operation]:
    """The operations of a path; `ids` are put into it by the names of its parameters."""
    for verb in verbs.keys() & set(VERBS):
        content = verbs[verb].get("requestBody", {}).get("content", {})
        bodies = {kind: inlined(document, each.get("schema", {})) for kind, each in content.items()}
        query = [each for each in verbs[verb].get("parameters", []) if each["in"] == "query"]
        yield Operation(verb.upper(), path.format_map(ids), query, bodies)


def inlined(document: Any, schema: Any) -> Any:
    """The schema with what it refers to in its place, of `oneOf` the last alternative."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return inlined(document, document["components"]["schemas"][name])
    for several in ("oneOf", "anyOf", "allOf"):
        if several in schema:
            return inlined(document, schema[several][0 if several != "oneOf" else -1])
    whole = dict(schema)
    if "items" in schema:
        whole["items"] = inlined(document, schema["items"])
    if "properties" in schema:
        whole["properties"] = {k: inlined(document, v) for k, v in schema["properties"].items()}
    return whole


def long_texts(one: Operation) -> Iterator[Hostile]:
    """Each text of the body and the query with 10,000 combining marks, of the body with 100,000."""
    schema = one.bodies.get(JSON, {})
    for what, text in (("text", TEXT), ("longer text", LONGER_TEXT)):
        for where, value in texts_in(schema, text):
            raw = json.dumps(value, ensure_ascii=False).encode()
            yield one.with_json(f"{what} {where}", raw)
    if FORM in one.bodies:
        for name in one.bodies[FORM].get("properties", {}):
            body = f"username=a&password=b&{name}={quote(TEXT)}".encode()
            yield Hostile(f"text {name}", one.method, one.path, FORM, body)
    for parameter in one.query:
        value = quote(TEXT)[:LONGEST_PATH]
        yield Hostile(f"query {parameter['name']}", one.method,
                      f"{one.path}?{parameter['name']}={value}")  # fmt: skip


def texts_in(schema: Any, text: str) -> Iterator[tuple[str, Any]]:
    """Values of the schema that have `text` in one place, with the names of these places."""
    if schema.get("type") == "string":
        yield "", text
    elif schema.get("type") == "array":
        for where, value in texts_in(schema.get("items", {}), text):
            yield f"[]{where}", [value]
    elif schema.get("type") == "object":
        usual = filled(schema)
        for name, inner in schema.get("properties", {}).items():
            for where, value in texts_in(inner, text):
                yield f".{name}{where}", usual | {name: value}
        if not schema.get("properties"):
            yield ".*", {text: text}


def filled(schema: Any) -> dict[str, Any]:
    """What an object needs, so that its other fields are looked at."""
    usual: dict[str, Any] = {"string": "x", "array": [], "object": {}, "integer": 1, "number": 1}
    properties = schema.get("properties", {})
    return {name: properties[name].get("example", usual.get(properties[name].get("type"), "x"))
            for name in schema.get("required", [])}  # fmt: skip


def long_lists(one: Operation) -> Iterator[Hostile]:
    """Each list of the body with 200,000 items, and such a list in the place of each field."""
    if JSON not in one.bodies:
        return
    schema = one.bodies[JSON]
    for name in schema.get("properties", {"": None}):
        for what, item in (
            ("numbers", b"1"),
            ("texts", b'"x"'),
            ("lists", b"[]"),
            ("nulls", b"null"),
        ):
            items = b"[" + b",".join([item] * ITEMS) + b"]"
            body = b'{"%s": %s}' % (name.encode(), items) if name else items
            yield one.with_json(f"{ITEMS:,} {what} as {name or 'body'}", body)


def odd_json(one: Operation) -> Iterator[Hostile]:
    """Deep and wide JSON as the body, and within each of its fields."""
    if JSON not in one.bodies:
        return
    wide = b"{" + b",".join(b'"%d": 1' % n for n in range(ITEMS)) + b"}"
    odd = {
        "deep list": b"[" * LEVELS + b"]" * LEVELS,
        "deep object": b'{"a":' * LEVELS + b"1" + b"}" * LEVELS,
        "wide object": wide,
        "less deep": b"[" * 9_000 + b"]" * 9_000,
        "less wide": b"{" + b",".join(b'"%d": 1' % n for n in range(15_000)) + b"}",
        "long number": b"1" * 1_000_000,
        "many numbers": b"[" + b",".join([b"1" * 4_000] * 1_000) + b"]",
        "long key": b'{"' + b"x" * 1_000_000 + b'": 1}',
        "escapes": b'"' + b"\\u0301\\u0316" * 80_000 + b'"',
    }
    for what, value in odd.items():
        yield one.with_json(what, value)
        for name in one.bodies[JSON].get("properties", {}):
            yield one.with_json(f"{what} as {name}", b'{"%s": %s}' % (name.encode(), value))


def many_fields(one: Operation) -> Iterator[Hostile]:
    """Forms of 10,000 fields, and of few that are long."""
    boundary = b"b"
    part = b'--b\r\nContent-Disposition: form-data; name="%s"\r\n\r\nx\r\n'
    head = b'--b\r\nContent-Disposition: form-data; name="x"; filename="%s"\r\n\r\nx\r\n'
    ends = {
        "10,000 parts": b"".join(part % b"%d" % n for n in range(10_000)),
        "10,000 parts of one name": part % b"x" * 10_000,
        "long names": (head % (b"x" * 100_000)) * 90,
        "names of marks": (head % TEXT.encode()) * 90,
        "many parameters": (head % (b'x"; a="b' + b'"; a="b' * 15_000)) * 90,
        "boundaries everywhere": b"--b\r\n" + b"\n--bx" * 2_000_000,
        "no end of headers": b"--b\r\n" + b"x: y\r\n" * 2_000_000,
    }
    if "multipart/form-data" in one.bodies:
        for what, body in ends.items():
            kind = f"multipart/form-data; boundary={boundary.decode()}"
            yield Hostile(what, one.method, one.path, kind, body + b"--b--\r\n")
    if FORM in one.bodies:
        fields = b"&".join(b"%d=1" % n for n in range(10_000))
        yield Hostile("10,000 fields", one.method, one.path, FORM, fields)
        yield Hostile(
            "3 MB of escapes", one.method, one.path, FORM, b"username=" + b"%41" * 1_000_000
        )


def large_bodies(one: Operation) -> Iterator[Hostile]:
    """15 MB of every type that is accepted, most of it structure."""
    for kind in one.bodies:
        for piece in (b"[],", b",", b" ", b"\n"):
            body = b"[" + piece * (15_000_000 // len(piece))
            if kind.startswith("image/"):
                body = b"\xff\xd8\xff" + body
            sent = kind.replace("*", "jpeg") + ("; boundary=b" if "multipart" in kind else "")
            yield Hostile(f"15 MB of {piece!r} as {kind}", one.method, one.path, sent, body)
