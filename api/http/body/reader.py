"""Read a complete body within a size limit; `api/gunicorn/worker.py` enforces time limits."""

from io import BytesIO

from flask import Request

from common.errors import LengthRequired, Malformed, TooLarge, UnsupportedMedia


def read_whole(request: Request, limit: int | None = None) -> bytes:
    """Return the complete body of the request.

    `limit` is the largest accepted Content-Length in bytes; MAX_CONTENT_LENGTH by default.
    Raises UnsupportedMedia for a Content-Encoding, LengthRequired for a body of unknown length,
    TooLarge for a body above the limit, and Malformed if the client stops before the end.
    """
    _check_headers(request, request.max_content_length if limit is None else limit)
    raw = _read(request)
    if len(raw) < (request.content_length or 0):
        raise Malformed(
            "The body is shorter than its Content-Length. Send all of it.", code="body_incomplete"
        )
    return raw


def _check_headers(request: Request, limit: int | None) -> None:
    """Refuse a body by its headers, before any of it is read."""
    if request.headers.get("Content-Encoding", "").lower() not in ("", "identity"):
        raise UnsupportedMedia("Send the body without Content-Encoding.", code="content_encoding")
    if request.content_length is None and "Transfer-Encoding" in request.headers:
        raise LengthRequired("Send the body with a Content-Length.")
    length = request.content_length or 0
    if limit is not None and length > limit:
        raise TooLarge(
            f"The body has {length:,} bytes. At most {limit:,} bytes are allowed on this route."
        )


def _read(request: Request) -> bytes:
    """Return the body, without a copy if the server already has it in memory."""
    stream = request.environ["wsgi.input"]
    if isinstance(stream, BytesIO) and stream.tell() == 0 and request.content_length is not None:
        return stream.getvalue()[: request.content_length]
    return request.get_data(cache=False)
