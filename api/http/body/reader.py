"""Read a complete body within a limit. `api/gunicorn/worker.py` enforces the deadlines."""

from io import BytesIO

from flask import Request

from common.errors import LengthRequired, Malformed, TooLarge, UnsupportedMedia


def read_whole(request: Request, limit: int | None = None) -> bytes:
    """Return the complete body of the request.

    `limit` is the largest accepted Content-Length in bytes; MAX_CONTENT_LENGTH by default.
    Raises UnsupportedMedia for a Content-Encoding, LengthRequired for a body of unknown length,
    TooLarge for a body over the limit, and Malformed when the client stops before the end.
    """
    _check(request, request.max_content_length if limit is None else limit)
    raw = _received(request)
    if len(raw) < (request.content_length or 0):
        raise Malformed("The body ended before its Content-Length.", code="body_incomplete")
    return raw


def _check(request: Request, limit: int | None) -> None:
    """Refuse by the headers alone what would not be read, before any of the body is."""
    if request.headers.get("Content-Encoding", "").lower() not in ("", "identity"):
        raise UnsupportedMedia("Send the body without Content-Encoding.", code="content_encoding")
    if request.content_length is None and "Transfer-Encoding" in request.headers:
        raise LengthRequired("Send the upload with a Content-Length.")
    length = request.content_length or 0
    if limit is not None and length > limit:
        raise TooLarge(f"The body has {length:,} bytes; {limit:,} are allowed on this route.")


def _received(request: Request) -> bytes:
    """The body's bytes, without a copy where the server has them in memory already."""
    stream = request.environ["wsgi.input"]
    if isinstance(stream, BytesIO) and stream.tell() == 0 and request.content_length is not None:
        return stream.getvalue()[: request.content_length]
    return request.get_data(cache=False)
