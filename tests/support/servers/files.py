"""A web server for tests that serves files by name and, on order, does so badly."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

Fault = Callable[["Handler", bytes], None]


@dataclass
class Site:
    """What is served, what goes wrong with the next requests, and what was asked so far."""

    url: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    asked: list[tuple[str, str | None]] = field(default_factory=list)  # path, Range
    released: threading.Event = field(default_factory=threading.Event)


class Handler(BaseHTTPRequestHandler):
    """Knows Range, as `bytes=N-`."""

    site: Site

    def do_GET(self) -> None:
        wanted = self.headers.get("Range")
        self.site.asked.append((self.path, wanted))
        data = self.site.files.get(self.path.rpartition("/")[2])
        if self.site.faults:
            self.site.faults.pop(0)(self, data or b"")
        elif data is None:
            self.answer(404, b"")
        elif wanted is None:
            self.answer(200, data)
        else:
            self.answer_from(int(wanted.removeprefix("bytes=").rstrip("-")), data)

    def answer_from(self, start: int, data: bytes) -> None:
        if start >= len(data):
            self.answer(416, b"")
            return
        described = f"bytes {start}-{len(data) - 1}/{len(data)}"
        self.answer(206, data[start:], {"Content-Range": described})

    def answer(self, status: int, data: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(data)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        """Quiet."""


def without_range(handler: Handler, data: bytes) -> None:
    handler.answer(200, data)


def another_range(handler: Handler, data: bytes) -> None:
    handler.answer_from(1, data)


def cut_in_the_middle(handler: Handler, data: bytes) -> None:
    handler.answer(200, data[: len(data) // 2], {"Content-Length": str(len(data))})


def cut_without_a_length(handler: Handler, data: bytes) -> None:
    handler.send_response(200)
    handler.end_headers()
    handler.wfile.write(data[: len(data) // 2])


def stuck_in_the_middle(handler: Handler, data: bytes) -> None:
    cut_in_the_middle(handler, data)
    handler.wfile.flush()
    handler.site.released.wait(30)


def other_bytes(handler: Handler, data: bytes) -> None:
    handler.answer(200, bytes(len(data)))


def more_bytes(handler: Handler, data: bytes) -> None:
    handler.answer(200, data + b"and more")


def slow(handler: Handler, data: bytes) -> None:
    handler.site.released.wait(1)
    handler.answer(200, data)


def status(code: int) -> Fault:
    return lambda handler, data: handler.answer(code, b"")


@contextmanager
def serving() -> Iterator[Site]:
    """A site on a free port of 127.0.0.1."""
    site = Site()
    handler = type("SiteHandler", (Handler,), {"site": site})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        site.url = f"http://127.0.0.1:{server.server_port}/files"
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield site
        finally:
            site.released.set()
            server.shutdown()
            thread.join()
