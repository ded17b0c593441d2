"""A server for tests that speaks OpenAI's chat completions and, on order, does so badly."""

import json
import socket
import struct
import threading
from base64 import b64decode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Fault = Callable[["Handler"], None]
CAPTION = "A cat lies on a sofa."
USAGE = {"prompt_tokens": 1000, "completion_tokens": 20, "total_tokens": 1020}
KEY = "sk-secret-of-the-tests"
TOO_MANY = {"error": {"message": "slow down", "type": "requests", "code": "rate_limit_exceeded"}}
NO_MONEY = {
    "error": {"message": "quota", "type": "insufficient_quota", "code": "insufficient_quota"}
}
BAD_KEY = {"error": {"message": f"Incorrect key {KEY}", "code": "invalid_api_key"}}


@dataclass
class Provider:
    """Where it listens, what was asked of it, and what goes wrong with the next calls.

    `always` goes wrong with every call for which no fault is in line.
    """

    port: int = 0
    asked: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    always: Fault | None = None
    released: threading.Event = field(default_factory=threading.Event)

    @property
    def url(self) -> str:
        """For CAPTIONER_URL."""
        return f"openai+http://127.0.0.1:{self.port}/v1?model=sees-everything"

    @property
    def images(self) -> list[bytes]:
        """The JPEGs that were sent."""
        contents = [body["messages"][0]["content"] for body in self.asked]
        urls = [content[1]["image_url"]["url"] for content in contents]
        return [b64decode(url.removeprefix("data:image/jpeg;base64,")) for url in urls]


class Handler(BaseHTTPRequestHandler):
    """One call."""

    protocol_version = "HTTP/1.1"
    provider: Provider

    def do_POST(self) -> None:
        length = int(self.headers["Content-Length"])
        provider = self.provider
        provider.headers.append(dict(self.headers))
        provider.asked.append(json.loads(self.rfile.read(length)))
        fault = provider.faults.pop(0) if provider.faults else provider.always
        if self.path != "/v1/chat/completions":
            self.answer(404, b"{}")
        elif fault:
            fault(self)
        else:
            self.answer(200, completion(CAPTION))

    def answer(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        given = {"Content-Type": "application/json", "Content-Length": str(len(body))}
        self.send_response(status)
        for name, value in (given | (headers or {})).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Quiet."""


def completion(content: Any, **more: Any) -> bytes:
    """The body of a good answer."""
    message = {"role": "assistant", "content": content, **more}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    return json.dumps({"object": "chat.completion", "choices": [choice], "usage": USAGE}).encode()


def body(data: bytes, headers: dict[str, str] | None = None) -> Fault:
    return lambda handler: handler.answer(200, data, headers)


def says(content: Any, **more: Any) -> Fault:
    return body(completion(content, **more))


def cut_off(handler: Handler) -> None:
    """An answer that ended at the limit of tokens, before its text began."""
    about = json.loads(completion(None, reasoning="The user wants"))
    about["choices"][0]["finish_reason"] = "length"
    handler.answer(200, json.dumps(about).encode())


def status(code: int, about: Any = None, **headers: str) -> Fault:
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda handler: handler.answer(code, json.dumps(about or {}).encode(), given)


def hangs(handler: Handler) -> None:
    handler.provider.released.wait(60)
    handler.close_connection = True


def resets(handler: Handler) -> None:
    linger = struct.pack("ii", 1, 0)
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    handler.connection.close()
    handler.close_connection = True


def breaks_off(handler: Handler) -> None:
    whole = completion(CAPTION)
    handler.answer(200, whole[: len(whole) // 2], {"Content-Length": str(len(whole))})
    handler.close_connection = True


def drips(handler: Handler) -> None:
    """A byte now and then, each well before the client's time-out for a read."""
    whole = completion(CAPTION)
    handler.answer(200, b"", {"Content-Length": str(len(whole))})
    handler.close_connection = True
    for byte in whole:
        handler.wfile.write(bytes([byte]))
        handler.wfile.flush()
        if handler.provider.released.wait(0.2):
            return


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Quiet: clients that go away in the middle are what is tested here."""


@contextmanager
def providing() -> Iterator[Provider]:
    """A provider on a free port of 127.0.0.1."""
    provider = Provider()
    handler = type("ProviderHandler", (Handler,), {"provider": provider})
    with _Server(("127.0.0.1", 0), handler) as server:
        provider.port = server.server_port
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield provider
        finally:
            provider.released.set()
            server.shutdown()
            thread.join()
