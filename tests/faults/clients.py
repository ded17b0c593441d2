"""Clients that upload small JPEGs, each of its own, and keep a book of what they were told.

Every upload has an Idempotency-Key; a client whose connection broke, or who was told to come again
later, sends the same bytes with the same key once more.
"""

import http.client
import io
import json
import queue
import random
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any
from urllib.parse import urlsplit

from tests.support.images.pictures import EOI, SOI, encode, picture, segment

COMMENT = 0xFE
PATIENCE = 60.0  # seconds until a client gives an upload up
ANSWER_SECONDS = 40.0
LONGEST_PAUSE = 0.5


@dataclass
class Upload:
    """One image's story: its bytes and key, and what came of every request for it.

    `answers` are status codes, or the name of the error that broke the connection; a connection
    that was refused asked for nothing and is only counted. `seconds` is what the request took that
    was accepted; `at` and `done` are its ends on the monotonic clock.
    """

    key: str
    data: bytes
    ids: list[str] = field(default_factory=list)
    answers: list[int | str] = field(default_factory=list)
    refused: int = 0
    seconds: float = 0.0
    at: float = 0.0
    done: float = 0.0
    bare_503: int = 0  # without Retry-After

    @property
    def sha256(self) -> bytes:
        return sha256(self.data).digest()

    @property
    def is_accepted(self) -> bool:
        return bool(self.ids)

    @property
    def broken(self) -> list[str]:
        """The connections that broke while a request was under way."""
        return [answer for answer in self.answers if isinstance(answer, str)]


def base_picture(seed: int = 0) -> bytes:
    """A JPEG of 320 x 240 pixels."""
    return encode(picture("RGB", (320, 240), seed=seed), "JPEG", quality=60)


def stamped(base: bytes, text: bytes) -> bytes:
    """The JPEG with a comment."""
    assert base.startswith(SOI) and base.endswith(EOI)
    return SOI + segment(COMMENT, text) + base[2:]


class Clients:
    """Threads that upload what they are given with `send`, each on a connection of its own.

    They stay with one API (of `urls`) and go to the next one when it refuses the connection.
    """

    def __init__(
        self, urls: Sequence[str], name: str, count: int = 8, fields: dict[str, str] | None = None
    ):
        self._ports = [urlsplit(url).port for url in urls]
        self._name = name
        self._base = base_picture()
        self._headers = fields or {}
        self._todo: queue.SimpleQueue[Upload | None] = queue.SimpleQueue()
        self._numbers = iter(range(10_000_000))
        self._giving_up = threading.Event()
        self.uploads: list[Upload] = []
        self._threads = [threading.Thread(target=self._run, args=(n,)) for n in range(count)]
        for thread in self._threads:
            thread.start()

    def send(self, count: int, mark: bytes = b"") -> list[Upload]:
        """Hand over `count` new uploads; returns at once. `mark` stands in their bytes."""
        new = [self._new(next(self._numbers), mark) for _ in range(count)]
        self.uploads += new
        for upload in new:
            self._todo.put(upload)
        return new

    def __enter__(self) -> "Clients":
        return self

    def __exit__(self, *error: object) -> None:
        if any(error):
            self._giving_up.set()
        self.join()

    def join(self) -> list[Upload]:
        """Wait until everything handed over has come to its end; the clients leave."""
        for _ in self._threads:
            self._todo.put(None)
        for thread in self._threads:
            thread.join()
        return self.uploads

    def _new(self, number: int, mark: bytes) -> Upload:
        key = f"{self._name}-{number}"
        return Upload(key, stamped(self._base, key.encode() + mark))

    def _run(self, number: int) -> None:
        client = Client(self._ports, number, self._headers)
        while (upload := self._todo.get()) is not None:
            client.bring(upload, self._giving_up)
        client.hang_up()


class Client:
    """One keep-alive connection to one API of several."""

    def __init__(self, ports: Sequence[Any], number: int, headers: dict[str, str]):
        self._ports = ports
        self._at = number
        self._headers = headers
        self._connection: http.client.HTTPConnection | None = None

    def bring(self, upload: Upload, giving_up: threading.Event) -> None:
        """Ask until it is accepted, refused for good, or patience ends."""
        deadline = time.monotonic() + PATIENCE
        while not giving_up.is_set() and time.monotonic() < deadline:
            pause = self._ask(upload)
            if pause is None:
                return
            giving_up.wait(pause * random.uniform(0.5, 1))

    def hang_up(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._connection = None

    def _ask(self, upload: Upload) -> float | None:
        """One request; None when it settled the matter, else how long to pause."""
        if self._connection is None and not self._connect():
            upload.refused += 1
            return 0.1
        assert self._connection is not None
        upload.at = time.monotonic()
        try:
            headers = {"Content-Type": "image/jpeg", "Idempotency-Key": upload.key}
            path = "/v1/predictions?task=classify"
            self._connection.request("POST", path, upload.data, headers | self._headers)
            answer = self._connection.getresponse()
            body = answer.read()
        except (OSError, http.client.HTTPException) as error:
            upload.answers.append(type(error).__name__)
            self.hang_up()
            return 0.1
        upload.done = time.monotonic()
        return self._heed(upload, answer, body)

    def _heed(self, upload: Upload, answer: http.client.HTTPResponse, body: bytes) -> float | None:
        upload.answers.append(answer.status)
        if answer.will_close:
            self.hang_up()
        if answer.status in (200, 201, 202):
            upload.seconds = upload.done - upload.at
            upload.ids.append(str(json.load(io.BytesIO(body))["id"]))
            return None
        if answer.status in (409, 429, 503):
            wait = answer.headers.get("Retry-After")
            upload.bare_503 += wait is None and answer.status == 503
            return min(LONGEST_PAUSE, float(wait or 0.1))
        return None

    def _connect(self) -> bool:
        for _ in self._ports:
            port = self._ports[self._at % len(self._ports)]
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=ANSWER_SECONDS)
            try:
                connection.connect()
            except OSError:
                self._at += 1
                continue
            self._connection = connection
            return True
        return False
