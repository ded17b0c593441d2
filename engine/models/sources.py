"""Download sources of a model's files: a folder, or an http(s) address."""

from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Protocol
from urllib.parse import quote, unquote, urlsplit

import httpx

CHUNK = 1 << 18  # bytes
TIMEOUT = httpx.Timeout(30, connect=10)  # seconds: between two chunks; to connect
_TRY_LATER = {408, 425, 429}


class Refused(Exception):
    """The origin does not provide the file, and a retry cannot help."""


class Unreachable(Refused):
    """The origin has not responded to several tries."""


class Interrupted(Exception):
    """The origin stopped responding; a retry may help."""


class Origin(Protocol):
    """A place that holds files by name; `address` is shown to users."""

    address: str

    def open(
        self, name: str, start: int
    ) -> AbstractContextManager[tuple[int, Iterable[bytes]]]:  # fmt: skip
        """Yield (offset, chunks): the file's bytes from `offset` on, which is `start` or 0.

        Raises Refused or Interrupted, also within the `with` block.
        """


class Folder:
    """A folder that contains the files."""

    def __init__(self, path: Path):
        self.address = str(path)
        self._path = path

    @contextmanager
    def open(self, name: str, start: int) -> Iterator[tuple[int, Iterable[bytes]]]:
        """Read from `start` on. Raises Refused if the file does not exist."""
        try:
            source = (self._path / name).open("rb")
        except OSError as error:
            raise Refused(error.strerror or str(error)) from error
        with source:
            source.seek(start)
            yield start, iter(lambda: source.read(CHUNK), b"")


class Web:
    """An http(s) address of a folder with the files. An interrupted download continues with a Range
    request if the server supports it.
    """

    def __init__(self, address: str, client: httpx.Client):
        self.address = without_password(address)
        self._base = address.rstrip("/") + "/"
        self._client = client

    @contextmanager
    def open(self, name: str, start: int) -> Iterator[tuple[int, Iterable[bytes]]]:
        """Request the bytes from `start` on. Raises Refused or Interrupted."""
        headers = {"Accept-Encoding": "identity"}  # ranges must count the bytes of the file itself
        if start:
            headers["Range"] = f"bytes={start}-"
        try:
            with self._client.stream("GET", self._base + quote(name), headers=headers) as answer:
                yield _begin(answer, start)
        except httpx.TransportError as error:
            raise Interrupted(str(error) or type(error).__name__) from error
        except (httpx.RequestError, httpx.InvalidURL) as error:
            raise Refused(str(error)) from error


def without_password(address: str) -> str:
    """Return the address without user and password, so that it can be shown."""
    parts = urlsplit(address)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


def _begin(answer: httpx.Response, start: int) -> tuple[int, Iterable[bytes]]:
    if answer.status_code == 206 and _first_byte(answer) == start:
        return start, answer.iter_bytes()
    if answer.status_code == 200:
        return 0, answer.iter_bytes()
    if answer.status_code in (206, 416):  # an unexpected range: restart from 0 the next time
        return 0, ()
    message = f"answered {answer.status_code} {answer.reason_phrase}".rstrip()
    if answer.status_code in _TRY_LATER or answer.is_server_error:
        raise Interrupted(message)
    raise Refused(message)


def _first_byte(answer: httpx.Response) -> int:
    """Return 5 for `Content-Range: bytes 5-9/10`; -1 for an invalid header."""
    first = answer.headers.get("Content-Range", "").removeprefix("bytes ").partition("-")[0]
    return int(first) if first.isdecimal() else -1


@contextmanager
def open_origin(address: str) -> Iterator[Origin]:
    """Yield the origin at `address`: http, https, file, or the path of a folder.

    Raises Refused for any other scheme. It does not connect yet.
    """
    scheme = urlsplit(address).scheme if "://" in address else "file"
    if scheme in ("http", "https"):
        with httpx.Client(timeout=TIMEOUT, follow_redirects=True) as client:
            yield Web(address, client)
    elif scheme == "file":
        path = unquote(urlsplit(address).path) if "://" in address else address
        yield Folder(Path(path).expanduser())
    else:
        raise Refused("must be a folder or an http(s) address")
