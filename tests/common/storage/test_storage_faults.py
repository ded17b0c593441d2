"""A store that is down, slow, full of nonsense or half written: what is said, and how soon."""

import hashlib
import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from common.storage import ObjectMissing, Storage, StorageUnavailable, object_key, open_storage
from tests.support.servers.s3 import (
    ACCESS_KEY,
    SECRET_KEY,
    canned_s3,
    new_bucket,
    running_s3,
    s3_storage_url,
)

KEY = object_key(hashlib.sha256(b"an image").digest())

OPERATIONS: dict[str, Callable[[Storage], object]] = {
    "put": lambda store: store.put(KEY, b"bytes"),
    "get": lambda store: store.get(KEY),
    "delete": lambda store: store.delete(KEY),
    "list": lambda store: list(store.list("objects")),
    "ensure": lambda store: store.ensure(),
}


def failure(store: Storage, operation: str, *, within: float = 3) -> str:
    """The text of the StorageUnavailable that `operation` must raise in time, without secrets."""
    start = time.monotonic()
    with pytest.raises(StorageUnavailable) as raised:
        OPERATIONS[operation](store)
    assert time.monotonic() - start < within
    assert raised.value.__cause__ is None
    assert raised.value.__suppress_context__ or raised.value.__context__ is None
    shown = f"{raised.value!r} {store!r} {vars(store)!r}"
    assert ACCESS_KEY not in shown
    assert SECRET_KEY not in shown
    return raised.value.detail


@pytest.mark.parametrize("operation", ["put", "get", "delete", "list"])
def test_a_folder_that_is_gone_is_a_store_that_is_down(tmp_path: Path, operation: str) -> None:
    store = open_storage(f"file://{tmp_path}/objects")
    (tmp_path / "objects").rename(tmp_path / "away")
    failure(store, operation)
    assert not (tmp_path / "objects").exists()
    store.ensure()
    store.put(KEY, b"bytes")
    assert store.get(KEY) == b"bytes"


def test_a_folder_that_cannot_be_used_says_why(tmp_path: Path) -> None:
    store = open_storage(f"file://{tmp_path}/objects")
    (tmp_path / "objects" / "objects").write_bytes(b"a file where a folder must be")
    assert failure(store, "put").endswith("Not a directory.")
    (tmp_path / "objects" / "objects").unlink()
    (tmp_path / "objects").rmdir()
    (tmp_path / "objects").touch()
    assert failure(store, "ensure").endswith("File exists.")


def test_a_half_written_file_is_no_object(tmp_path: Path) -> None:
    store = open_storage(f"file://{tmp_path}")
    store.put(KEY, b"bytes")
    (tmp_path / f"{KEY}#1").write_bytes(b"byt")
    assert [found.key for found in store.list("")] == [KEY]
    store.put(KEY, b"other bytes")
    assert store.get(KEY) == b"other bytes"


def test_a_deletion_takes_what_a_crash_left_but_not_what_is_being_written(tmp_path: Path) -> None:
    store = open_storage(f"file://{tmp_path}")
    store.put(KEY, b"bytes")
    left, written = tmp_path / f"{KEY}#2", tmp_path / f"{KEY}#1"
    for half in (left, written):
        half.write_bytes(b"byt")
    yesterday = time.time() - 86_400
    os.utime(left, (yesterday, yesterday))
    store.delete(KEY)
    assert not left.exists()
    assert written.exists()


def test_a_server_that_was_stopped_is_a_store_that_is_down() -> None:
    with running_s3() as endpoint:
        store = open_storage(s3_storage_url(endpoint, new_bucket(endpoint)) + "&timeout=10")
        store.put(KEY, b"bytes")
    for operation in OPERATIONS:
        assert failure(store, operation).endswith("Connection refused.")


def test_a_bucket_that_is_gone_is_a_store_that_is_down(s3_server: str) -> None:
    store = open_storage(s3_storage_url(s3_server, "never-created") + "&timeout=10")
    for operation in ("put", "get", "delete", "list"):
        assert failure(store, operation).endswith("it answered 404 NoSuchBucket.")


def test_a_server_that_never_answers_is_given_up_in_time_for_a_503() -> None:
    with canned_s3(None) as server, ThreadPoolExecutor(len(OPERATIONS)) as threads:
        store = open_storage(s3_storage_url(server.endpoint, "bucket"))
        texts = threads.map(lambda operation: failure(store, operation), OPERATIONS)
        assert all(text.endswith("no answer in time.") for text in texts)


def answered(status: str, body: str, length: int | None = None) -> bytes:
    """An HTTP answer, which promises `length` bytes if that is given."""
    size = len(body) if length is None else length
    head = f'HTTP/1.1 {status}\r\nContent-Length: {size}\r\nETag: "x"\r\nConnection: close\r\n'
    return f"{head}Last-Modified: Wed, 21 Oct 2015 07:28:00 GMT\r\n\r\n{body}".encode()


def test_a_body_that_is_cut_short_is_not_taken_for_the_object() -> None:
    with canned_s3(answered("200 OK", "half", length=1000)) as server:
        store = open_storage(s3_storage_url(server.endpoint, "bucket"))
        assert f"did not give {KEY}" in failure(store, "get")
    assert len(server.requests) == 1


REFUSAL = f"<Error><Code>SignatureDoesNotMatch</Code><Key>{ACCESS_KEY}</Key>{SECRET_KEY}</Error>"


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (answered("403 Forbidden", REFUSAL), "it answered 403 SignatureDoesNotMatch."),
        (answered("401 Unauthorized", ""), "it answered 401."),
        (answered("409 Conflict", ""), "it answered 409."),
        (answered("500 Internal Server Error", REFUSAL), "it answered 500 SignatureDoesNotMatch."),
        (answered("503 Service Unavailable", ""), "it answered 503."),
        (b"", "the connection failed (Request)."),
        (f"{SECRET_KEY}\r\n\r\n".encode(), "the connection failed (Unknown, Request)."),
    ],
    ids=["403", "401", "409", "500", "503", "nothing", "nonsense"],
)
def test_a_refusal_is_told_by_its_code_and_asked_only_once(answer: bytes, reason: str) -> None:
    with canned_s3(answer) as server:
        store = open_storage(s3_storage_url(server.endpoint, "bucket"))
        for operation in OPERATIONS:
            assert failure(store, operation).endswith(reason)
    assert len(server.requests) == len(OPERATIONS)


def test_a_bucket_that_may_not_be_created_says_why() -> None:
    with canned_s3(answered("404 Not Found", "<Code>NoSuchBucket</Code>")) as server:
        store = open_storage(s3_storage_url(server.endpoint, "bucket"))
        text = failure(store, "ensure")
    assert text == "The object store did not create its bucket: it answered 404 NoSuchBucket."


def test_a_missing_object_is_told_from_a_missing_bucket() -> None:
    with canned_s3(answered("404 Not Found", "<Code>NoSuchKey</Code>")) as server:
        store = open_storage(s3_storage_url(server.endpoint, "bucket"))
        with pytest.raises(ObjectMissing):
            store.get(KEY)
        store.delete(KEY)
