"""Limits on a provider's HTTP answers, and the delay that their headers ask for."""

import re
import time
from collections.abc import Iterator
from email.utils import parsedate_to_datetime

import httpx2  # the HTTP library of the openai client

MOST_BYTES = 8 << 20  # of an answer: a megabyte of text may take six in JSON
LONGEST_DELAY = 600.0  # maximum seconds of a delay that a provider asks for


class Bounded(httpx2.HTTPTransport):
    """A transport whose answers end after MOST_BYTES, and `seconds` after they began."""

    def __init__(self, seconds: float):
        super().__init__()
        self._seconds = seconds

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """Return the response with a bounded body."""
        response = super().handle_request(request)
        assert isinstance(response.stream, httpx2.SyncByteStream)
        response.stream = _BoundedStream(response.stream, time.monotonic() + self._seconds)
        return response


class _BoundedStream(httpx2.SyncByteStream):
    def __init__(self, stream: httpx2.SyncByteStream, end: float):
        self._stream = stream
        self._end = end

    def __iter__(self) -> Iterator[bytes]:
        room = MOST_BYTES
        for chunk in self._stream:
            room -= len(chunk)
            if room < 0:
                raise httpx2.ReadError("the answer is too long")
            if time.monotonic() > self._end:
                raise httpx2.ReadTimeout("the answer takes too long")
            yield chunk

    def close(self) -> None:
        self._stream.close()


def retry_after(headers: httpx2.Headers) -> float:
    """Return the delay in seconds that the server asks for; 0 without a header (RFC 9110,
    10.2.3).
    """
    value = headers.get("retry-after", "").strip()
    if re.fullmatch(r"\d{1,9}(\.\d{1,9})?", value):
        return min(LONGEST_DELAY, float(value))
    try:
        due = parsedate_to_datetime(value)
        sent = parsedate_to_datetime(headers.get("date", ""))  # by the same clock
        return min(LONGEST_DELAY, max(0.0, (due - sent).total_seconds()))
    except (ValueError, TypeError):  # not dates, or one of them without a time zone
        return 0.0
