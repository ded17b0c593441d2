"""S3 over HTTP on free loopback ports: a server that works (moto, in this process) and sick ones.

The fixtures `s3_url` (a bucket) and `s3_server` are a plugin of `tests/conftest.py`.
"""

import re
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.request import Request, urlopen
from uuid import uuid4

import pytest
from moto.server import ThreadedMotoServer

ACCESS_KEY = "AKIAFORTESTS"
SECRET_KEY = "not/a+secret+for/anyone"


@pytest.fixture(scope="session")
def s3_server() -> Iterator[str]:
    """The address of a server that lives as long as the tests, as `http://127.0.0.1:port`."""
    with running_s3() as endpoint:
        yield endpoint


@pytest.fixture
def s3_url(s3_server: str) -> str:
    """A STORAGE_URL of a new, empty bucket; its time-out is generous, for crowded machines."""
    bucket = new_bucket(s3_server)
    return s3_storage_url(s3_server, bucket) + "&timeout=10"


@contextmanager
def running_s3() -> Iterator[str]:
    """A server of one's own, to be stopped in the middle of a test."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    try:
        yield f"http://{host}:{port}"
    finally:
        server.stop()


def new_bucket(endpoint: str) -> str:
    """Create a bucket over plain HTTP (moto checks no signatures) and return its name."""
    bucket = f"test-{uuid4().hex}"
    urlopen(Request(f"{endpoint}/{bucket}", method="PUT"), timeout=30).close()
    return bucket


def s3_storage_url(endpoint: str, bucket: str) -> str:
    """The STORAGE_URL of a bucket, with the keys as a person would paste them."""
    keys = f"access_key={ACCESS_KEY}&secret_key={SECRET_KEY}"
    return f"s3://{bucket}?endpoint={endpoint}&region=us-east-1&{keys}"


@dataclass
class CannedServer:
    """A server that gives every request the same bytes for an answer, or none at all, ever."""

    endpoint: str
    requests: list[str] = field(default_factory=list)


@contextmanager
def canned_s3(answer: bytes | None) -> Iterator[CannedServer]:
    """Read each request whole, answer with these bytes and hang up; with None stay silent."""

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            head = b"".join(iter(self.rfile.readline, b"\r\n"))
            server.requests.append(head.decode())
            lengths = re.findall(rb"(?i)^content-length: (\d+)", head, re.MULTILINE)
            self.rfile.read(sum(map(int, lengths)))
            if answer is None:
                ended.wait(30)
            else:
                self.request.sendall(answer)

    ended = threading.Event()
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as listener:
        server = CannedServer(f"http://127.0.0.1:{listener.server_address[1]}")
        thread = threading.Thread(target=listener.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield server
        finally:
            ended.set()
            listener.shutdown()
            thread.join()
