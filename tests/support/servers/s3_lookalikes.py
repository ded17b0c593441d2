"""S3 servers that break one promise: a proxy before a server that keeps them all."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

NOT_IMPLEMENTED = b"<?xml version='1.0'?><Error><Code>NotImplemented</Code></Error>"
HOP_HEADERS = ("transfer-encoding", "connection", "content-length", "server", "date")


class Breaks(Enum):
    """The promise that is broken."""

    NONE = "keeps all promises"
    CONDITION = "ignores If-None-Match"
    UNSUPPORTED = "answers 501 to If-None-Match"
    RANGE = "ignores Range"
    LISTING = "lists nothing"


DROPPED = {Breaks.CONDITION: ("if-none-match", "if-match"), Breaks.RANGE: ("range",)}


@contextmanager
def lookalike(target: str, breaks: Breaks) -> Iterator[str]:
    """The address of a server that passes requests on to `target`, but for the broken promise."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(target, breaks))
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _handler(target: str, breaks: Breaks) -> type[BaseHTTPRequestHandler]:
    return type("Handler", (Relay,), {"host": urlsplit(target).netloc, "breaks": breaks})


class Relay(BaseHTTPRequestHandler):
    """Passes a request on to `host`, but for what `breaks` says."""

    protocol_version = "HTTP/1.1"
    host: str
    breaks: Breaks

    def relay(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.breaks is Breaks.UNSUPPORTED and "If-None-Match" in self.headers:
            self.reply(501, {}, NOT_IMPLEMENTED)
            return
        path = self.path
        if self.breaks is Breaks.LISTING and "prefix=" in path:
            path = path.replace("prefix=", "prefix=nothing-")
        dropped = ("host", "connection", *DROPPED.get(self.breaks, ()))
        headers = {n: value for n, value in self.headers.items() if n.lower() not in dropped}
        upstream = HTTPConnection(self.host, timeout=30)
        upstream.request(self.command, path, body, headers)
        answer = upstream.getresponse()
        data = answer.read()
        upstream.close()
        self.reply(answer.status, dict(answer.getheaders()), data)

    def reply(self, status: int, headers: dict[str, str], data: bytes) -> None:
        self.send_response(status)
        for name, value in headers.items():
            if name.lower() not in HOP_HEADERS:
                self.send_header(name, value)
        is_head = self.command == "HEAD"
        length = headers.get("Content-Length", "0") if is_head else str(len(data))
        self.send_header("Content-Length", length)
        self.end_headers()
        if not is_head:
            self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        """Quiet."""

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = relay  # noqa: N815
