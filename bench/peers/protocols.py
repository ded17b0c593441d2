"""The HTTP requests that each kind of contender answers, and how its answers are read.

`python -m bench.peers.protocols FOLDER PORT CLIENTS NAME` is the load generator with the protocol
of that name.
"""

import json
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from bench import load
from bench.load import ANSWER_SECONDS, Answer, Client, Predict

BOUNDARY = b"boundary-of-the-photograph"
POLL_SECONDS = 0.05  # between two requests for the state of a task
END_STATES = ("SUCCESS", "FAILURE", "REVOKED")


@dataclass(frozen=True, slots=True)
class Protocol:
    """How a photograph becomes a request, how a client waits, how the last body is read."""

    post: Callable[[bytes], bytes]
    predict: Predict
    parse: Callable[[float, bytes], Answer]


def raw_post(photograph: bytes) -> bytes:
    """A request with the JPEG as its body."""
    return _post("image/jpeg", photograph)


def form_post(photograph: bytes) -> bytes:
    """A request with the JPEG as the file `image` of a multipart form."""
    head = (
        b'--%s\r\nContent-Disposition: form-data; name="image"; filename="photograph.jpg"\r\n'
        b"Content-Type: image/jpeg\r\n\r\n" % BOUNDARY
    )
    body = head + photograph + b"\r\n--%s--\r\n" % BOUNDARY
    return _post(f"multipart/form-data; boundary={BOUNDARY.decode()}", body)


def _post(content_type: str, body: bytes) -> bytes:
    head = (
        "POST /classify HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        f"Content-Type: {content_type}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def ask_once(client: Client, post: bytes) -> bytes:
    """The body of the response to the upload."""
    return client.exchange(post)[1]


def ask_for_task(client: Client, post: bytes) -> bytes:
    """Upload, then ask for the state of the task until it has ended; returns the last body.

    Raises ValueError if a response is no JSON, or lacks the task's id.
    """
    body = ask_once(client, post)
    task_id = json.loads(body).get("task_id")
    if not task_id:
        raise ValueError(f"no task: {body[:300].decode(errors='replace')}")
    deadline = time.monotonic() + ANSWER_SECONDS
    while time.monotonic() < deadline:
        time.sleep(POLL_SECONDS)
        body = client.get(f"/tasks/{task_id}")
        if json.loads(body).get("state") in END_STATES:
            break
    return body


def parse(seconds: float, body: bytes) -> Answer:
    """Return the outcome of a peer's response; anything without a label is a problem."""
    try:
        return Answer(seconds, int(json.loads(body)["labels"][0]["class_id"]), {})
    except (ValueError, KeyError, TypeError, IndexError):
        return Answer(seconds, None, {}, body[:300].decode(errors="replace") or "no answer")


PROTOCOLS = {
    "product": Protocol(partial(load.post, mode="wait"), Client.predict, load.parse),
    "raw": Protocol(raw_post, ask_once, parse),
    "form": Protocol(form_post, ask_once, parse),
    "task": Protocol(raw_post, ask_for_task, parse),
}


def main() -> None:
    """Serve rounds, as `bench.load` does."""
    folder, port, clients, name = sys.argv[1:5]
    protocol = PROTOCOLS[name]
    load.serve_rounds(
        Path(folder), int(port), int(clients), protocol.post, protocol.predict, protocol.parse
    )


if __name__ == "__main__":
    main()
