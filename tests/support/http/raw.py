"""HTTP as bytes on a socket: requests that no client library would send, answers as they come."""

import json
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from email.message import Message
from http.client import HTTPResponse
from typing import Any
from urllib.parse import urlsplit

PATIENCE = 30.0  # seconds until an answer must have come
BOUNDARY = "a-boundary"
MULTIPART = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}
JSON = {"Content-Type": "application/json"}
JPEG = {"Content-Type": "image/jpeg"}


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: Message
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


def exchange(base_url: str, *pieces: bytes, head: bool = False, half_close: bool = False) -> Answer:
    """Send the pieces one after another and read one answer; OSError when none comes in time."""
    address = urlsplit(base_url)
    with socket.create_connection((address.hostname, address.port), PATIENCE) as connection:
        for piece in pieces:
            connection.sendall(piece)
        if half_close:
            connection.shutdown(socket.SHUT_WR)
        response = HTTPResponse(connection, method="HEAD" if head else "GET")
        response.begin()
        return Answer(response.status, response.headers, response.read())


def request(
    method: str, path: str, headers: dict[str, str] | None = None, body: bytes | None = None
) -> bytes:
    """A request as it goes over the wire; with a body, its length is added where none is given."""
    given = dict(headers or {})
    if body is not None and not given.keys() & {"Content-Length", "Transfer-Encoding"}:
        given["Content-Length"] = str(len(body))
    lines = [f"{method} {path} HTTP/1.1", "Host: localhost", "Connection: close"]
    lines += [f"{name}: {value}" for name, value in given.items()]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + (body or b"")


def multipart(*parts: tuple[str, bytes]) -> bytes:
    """Parts as (what follows `form-data; ` in their disposition, their bytes)."""
    sent = b"".join(
        f"--{BOUNDARY}\r\nContent-Disposition: form-data; {disposition}\r\n\r\n".encode()
        + data
        + b"\r\n"
        for disposition, data in parts
    )
    return sent + f"--{BOUNDARY}--\r\n".encode()


def file(data: bytes, name: str = "file", file_name: str = "a.jpg") -> tuple[str, bytes]:
    """A part of `multipart` that is a file."""
    return f'name="{name}"; filename="{file_name}"', data


def field(name: str, text: str | bytes) -> tuple[str, bytes]:
    """A part of `multipart` that is text."""
    return f'name="{name}"', text.encode() if isinstance(text, str) else text


def chunked(pieces: Sequence[bytes]) -> bytes:
    """A body in Transfer-Encoding chunked."""
    return b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in [*pieces, b""])
