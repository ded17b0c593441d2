"""The load generator: keep-alive clients that post photographs and wait for the responses.

It runs as a process of its own on the same cores as the service, so it uses little CPU: blocking
sockets, one thread per client, and responses that are parsed after the clock has stopped.
Started as `python -m bench.load FOLDER PORT CLIENTS MODE`; `serve_rounds` describes what it reads
and writes.
"""

import itertools
import json
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from bench.photographs import read_all, stamped

ANSWER_SECONDS = 60.0
POLLS = 4  # long polls of 30 s until a photograph counts as unanswered


@dataclass(frozen=True, slots=True)
class Answer:
    """The outcome of one photograph: the class of its best label, or the problem.

    `seconds` are from the first byte sent to the last one received; `timings` the service's own.
    """

    seconds: float
    label: int | None
    timings: dict[str, float]
    problem: str = ""


class Client:
    """One connection, one request at a time. Raises OSError if the server closes or is silent."""

    def __init__(self, port: int):
        self._socket = socket.create_connection(("127.0.0.1", port), ANSWER_SECONDS)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def predict(self, post: bytes) -> bytes:
        """The last body received: a prediction in its final state, or what went wrong."""
        headers, body = self.exchange(post)
        get = _get(_header(headers, b"\r\nlocation: "))
        for _ in range(POLLS):
            if not _is_open(body):
                break
            _, body = self.exchange(get)
        return body

    def get(self, path: str) -> bytes:
        """The body of an answer."""
        return self.exchange(b"GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n" % path.encode())[1]

    def close(self) -> None:
        self._socket.close()

    def exchange(self, request: bytes) -> tuple[bytes, bytes]:
        """The answer's head and body. Raises ValueError if the head gives no length."""
        self._socket.sendall(request)
        received = b""
        while (end := received.find(b"\r\n\r\n")) < 0:
            received += self._receive()
        headers, body = received[: end + 2], received[end + 4 :]
        length = int(_header(headers, b"\r\ncontent-length: "))
        while len(body) < length:
            body += self._receive()
        return headers, body

    def _receive(self) -> bytes:
        if not (received := self._socket.recv(65536)):
            raise ConnectionError("the server hung up")
        return received


Predict = Callable[[Client, bytes], bytes]  # sends a request; returns the last body received


def post(photograph: bytes, mode: str) -> bytes:
    """The request that asks for a photograph's labels; in mode "wait" it waits for them, too."""
    wait = "Prefer: wait=30\r\n" if mode == "wait" else ""
    head = (
        "POST /v1/predictions?task=classify HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        f"Content-Type: image/jpeg\r\n{wait}Content-Length: {len(photograph)}\r\n\r\n"
    )
    return head.encode() + photograph


def _get(path: bytes) -> bytes:
    return b"GET %s?wait=30 HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n" % path


def _header(headers: bytes, name: bytes) -> bytes:
    """The value of a header; empty when it is not there. `name` is in lower case."""
    start = headers.lower().find(name)
    return headers[start + len(name) : headers.index(b"\r\n", start + 2)] if start >= 0 else b""


def _is_open(body: bytes) -> bool:
    return b'"status":"queued"' in body or b'"status":"processing"' in body


def load(
    port: int, clients: int, posts: list[bytes], predict: Predict = Client.predict
) -> list[tuple[float, bytes]]:
    """Send every request, `clients` at a time: seconds and last body of each, in order."""
    answers: list[tuple[float, bytes]] = [(0.0, b"")] * len(posts)
    numbers = itertools.count()
    threads = [
        threading.Thread(target=_work, args=(port, posts, predict, numbers, answers))
        for _ in range(clients)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


def _work(
    port: int,
    posts: list[bytes],
    predict: Predict,
    numbers: Iterator[int],
    answers: list[tuple[float, bytes]],
) -> None:
    client: Client | None = None
    while (number := next(numbers)) < len(posts):
        start = time.perf_counter()
        try:
            client = client or Client(port)
            body = predict(client, posts[number])
        except (OSError, ValueError) as error:
            body, client = repr(error).encode(), None
        answers[number] = (time.perf_counter() - start, body)


def parse(seconds: float, body: bytes) -> Answer:
    """Return the outcome of a response body; anything but a prediction is a problem."""
    try:
        said: dict[str, Any] = json.loads(body)
        if said["status"] == "succeeded":
            return Answer(seconds, said["result"]["labels"][0]["class_id"], said["timings"])
    except (ValueError, KeyError, TypeError, IndexError):
        pass
    return Answer(seconds, None, {}, body[:300].decode(errors="replace") or "no answer")


def serve_rounds(
    folder: Path,
    port: int,
    clients: int,
    post: Callable[[bytes], bytes],
    predict: Predict = Client.predict,
    parse: Callable[[float, bytes], Answer] = parse,
) -> None:
    """Say "ready"; then for every line read from standard input, `COUNT TEXT`: stamp the first
    COUNT photographs with TEXT, say "ready", read a line, run, say "done", and write the outcome
    as JSON: `{seconds, answers}`, where `seconds` are the whole run's.
    """
    photographs = read_all(folder)
    print("ready", flush=True)
    while line := sys.stdin.readline():
        count, text = line.split(maxsplit=1)
        posts = [post(each) for each in stamped(photographs[: int(count)], text.strip())]
        print("ready", flush=True)
        sys.stdin.readline()
        start = time.perf_counter()
        answers = load(port, clients, posts, predict)
        seconds = time.perf_counter() - start
        print("done", flush=True)
        parsed = [asdict(parse(*answer)) for answer in answers]
        print(json.dumps({"seconds": seconds, "answers": parsed}), flush=True)


def main() -> None:
    """Serve rounds against the service of this project."""
    folder, port, clients, mode = sys.argv[1:5]
    serve_rounds(Path(folder), int(port), int(clients), partial(post, mode=mode))


if __name__ == "__main__":
    main()
