"""What a provider's HTTP answers are held to, and what their headers ask for."""

import re
import time
from collections.abc import Iterator
from email.utils import parsedate_to_datetime

import httpx2  # what the client stands on

MOST_BYTES = 8 << 20  # of an answer: a megabyte of text may be six in JSON
LONGEST_DELAY = 600.0  # seconds that a provider may ask us to wait


class Bounded(httpx2.HTTPTransport):
    """Answers end: after MOST_BYTES, and `seconds` after they began, however slowly they drip."""

    def __init__(self, seconds: float):
        super().__init__()
        self._seconds = seconds

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """The response, its body bounded."""
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
    """Seconds that the server wants to be left alone; 0 when it does not say (RFC 9110, 10.2.3)."""
    said = headers.get("retry-after", "").strip()
    if re.fullmatch(r"\d{1,9}(\.\d{1,9})?", said):
        return min(LONGEST_DELAY, float(said))
    try:
        due = parsedate_to_datetime(said)
        asked = parsedate_to_datetime(headers.get("date", ""))  # by the same clock
        return min(LONGEST_DELAY, max(0.0, (due - asked).total_seconds()))
    except (ValueError, TypeError):  # no dates, or one of them without a zone
        return 0.0
