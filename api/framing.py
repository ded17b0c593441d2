"""How a body comes in: whole, in one piece and in time; and what becomes of one that is refused."""

import time

from flask import Request

from common.errors import LengthRequired, Malformed, TooLarge, UnsupportedMedia

STALLED = 30.0  # seconds in which a client that is sending must send something
MOST_DRAINED = 64 << 20  # bytes of a refused body that are read and thrown away
DRAIN_SECONDS = 30.0
DRAIN_STALLED = 2.0
CHUNK = 1 << 16


def read_whole(request: Request, limit: int | None = None) -> bytes:
    """Return the complete body of the request.

    `limit` is the largest accepted Content-Length in bytes; MAX_CONTENT_LENGTH by default.
    Raises UnsupportedMedia for a Content-Encoding, LengthRequired for a body of unknown length,
    TooLarge for a body over the limit, and Malformed when the client stops before the end.
    """
    _check(request, request.max_content_length if limit is None else limit)
    _limit_stall(request, STALLED)
    raw = request.get_data(cache=False)
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


def drain(request: Request) -> None:
    """Read what nobody has read of the body, before the answer goes out.

    A client that is still sending would meet a reset connection and never see the answer. Bodies
    beyond all measure are not waited for.
    """
    length = request.content_length
    left = length if length is not None else MOST_DRAINED * ("Transfer-Encoding" in request.headers)
    # Other servers than Gunicorn may let a read run past the body's end.
    if not 0 < left <= MOST_DRAINED or not request.environ.get("wsgi.input_terminated"):
        return
    _limit_stall(request, DRAIN_STALLED)
    end = time.monotonic() + DRAIN_SECONDS
    try:
        while left > 0 and time.monotonic() < end:
            if not (chunk := request.environ["wsgi.input"].read(CHUNK)):
                break
            left -= len(chunk)
    except OSError:
        return  # the client is gone or silent; the answer is sent all the same
    finally:
        _limit_stall(request, STALLED)


def _limit_stall(request: Request, seconds: float) -> None:
    """A read that never ends would hold its thread, and threads are few."""
    if connection := request.environ.get("gunicorn.socket"):
        connection.settimeout(seconds)
