"""The object store's contract, asserted alike over a folder and over an S3 server."""

import hashlib
import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from common.errors import InputFault, Unavailable
from common.storage import ObjectMissing, Storage, StoredObject, object_key, open_storage

KEY = object_key(hashlib.sha256(b"an image").digest())


@pytest.fixture(params=["folder", "s3"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "folder":
        return f"file://{tmp_path}/objects"
    address: str = request.getfixturevalue("s3_url")
    return address


@pytest.fixture
def store(url: str) -> Storage:
    return open_storage(url)


@pytest.mark.parametrize("size", [0, 1, 10 * 2**20], ids=["0 B", "1 B", "10 MiB"])
def test_what_was_put_is_read_back(store: Storage, size: int) -> None:
    data = os.urandom(size)
    store.put(KEY, data)
    assert store.get(KEY) == data
    assert type(store.get(KEY)) is bytes


def test_a_second_put_replaces_the_first(store: Storage) -> None:
    store.put(KEY, b"the first, and longer")
    store.put(KEY, b"the second")
    assert store.get(KEY) == b"the second"
    assert [found.size for found in store.list("")] == [10]


def test_a_missing_object_is_nobodys_input_at_fault_nor_a_store_that_is_down(
    store: Storage,
) -> None:
    store.put("objects/other", b"")
    with pytest.raises(ObjectMissing) as missing:
        store.get(KEY)
    assert KEY in missing.value.detail
    assert not isinstance(missing.value, InputFault | Unavailable)


def test_deleting_twice_is_fine(store: Storage) -> None:
    store.put(KEY, b"bytes")
    store.delete(KEY)
    store.delete(KEY)
    with pytest.raises(ObjectMissing):
        store.get(KEY)


def test_a_listing_gives_key_size_and_time_of_what_is_below_the_prefix(store: Storage) -> None:
    sizes = {f"objects/ab/{number:02}": number for number in range(5)}
    for key, size in sizes.items():
        store.put(key, bytes(size))
    store.put("objects/abc/neighbour", b"")
    store.put("objects/ac", b"")
    for prefix in ("objects/ab", "objects/ab/"):
        assert {found.key: found.size for found in store.list(prefix)} == sizes
    assert len(list(store.list(""))) == 7
    assert list(store.list("objects/none")) == []
    for found in store.list(""):
        assert isinstance(found, StoredObject)
        assert abs(datetime.now(UTC) - found.modified_at) < timedelta(minutes=1)


def test_a_listing_goes_on_over_the_pages_of_the_store(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MOTO_S3_DEFAULT_MAX_KEYS", "7")
    store = open_storage(url)
    keys = {f"many/{number}" for number in range(30 if url.startswith("s3") else 1030)}
    for key in keys:
        store.put(key, b"")
    assert sorted(found.key for found in store.list("many")) == sorted(keys)


@pytest.mark.parametrize(
    "key",
    [
        "a b",
        "ünï/çödé",
        "100%",
        "%2F",
        "q?a=1&b=2",
        "a+b",
        "x#y",
        "x#",
        "#1x",
        "~!@$^*()[]{}|;'\",<>",
    ],
)
def test_odd_characters_in_a_key_are_kept(store: Storage, key: str) -> None:
    store.put(f"odd/{key}", key.encode())
    assert store.get(f"odd/{key}") == key.encode()
    assert [found.key for found in store.list("odd")] == [f"odd/{key}"]
    store.delete(f"odd/{key}")
    assert list(store.list("")) == []


@pytest.mark.parametrize(
    "key", ["", "/", "/a", "a/", "a//b", ".", "a/../b", "..", "./a", "a\n", "a\0b", "a#1"]
)
def test_what_is_no_key_is_refused_before_it_means_another(store: Storage, key: str) -> None:
    for operation in (
        lambda: store.put(key, b""),
        lambda: store.get(key),
        lambda: store.delete(key),
    ):
        with pytest.raises(ValueError, match="not an object key"):
            operation()
    assert list(store.list("")) == []


def test_32_threads_may_use_it_at_once(store: Storage) -> None:
    # moto answers 500 when an object is replaced while it answers the request that stored it.
    one_at_a_time = threading.Lock()

    def work(number: int) -> None:
        data = os.urandom(10_000 + number)
        store.put(f"threads/{number}", data)
        assert store.get(f"threads/{number}") == data
        with one_at_a_time:
            store.put("threads/shared", bytes(1000))
        if number % 2:
            store.delete(f"threads/{number}")

    with ThreadPoolExecutor(32) as threads:
        list(threads.map(work, range(96)))
    assert store.get("threads/shared") == bytes(1000)
    left = {found.key for found in store.list("threads")}
    assert left == {"threads/shared"} | {f"threads/{number}" for number in range(0, 96, 2)}


def test_a_reader_sees_a_whole_object_while_it_is_being_replaced(tmp_path: Path) -> None:
    """Of a folder only: a server promises this itself, and moto answers 500 in such a race."""
    store = open_storage(f"file://{tmp_path}")
    versions = [bytes([number]) * 500_000 for number in range(10)]
    store.put(KEY, versions[0])

    def write() -> None:
        for data in versions:
            store.put(KEY, data)

    writer = threading.Thread(target=write)
    writer.start()
    reads = 0
    while writer.is_alive() or not reads:
        assert store.get(KEY) in versions
        reads += 1
    writer.join()


def test_ensure_leaves_nothing_behind_and_may_be_called_again(store: Storage) -> None:
    store.ensure()
    store.put(KEY, b"bytes")
    store.ensure()
    assert [found.key for found in store.list("")] == [KEY]


def test_a_process_forked_before_it_opens_the_store_can_use_it(url: str) -> None:
    """As Gunicorn does; the alarm ends a child that hangs."""
    program = (
        "import os, signal, sys\n"
        "from common.storage import open_storage\n"
        "import common.storage.folder, common.storage.s3\n"
        "child = os.fork()\n"
        "if not child:\n"
        "    signal.alarm(20)\n"
        "    store = open_storage(sys.argv[1])\n"
        "    store.put('forked', b'bytes')\n"
        "    os._exit(0 if store.get('forked') == b'bytes' else 1)\n"
        "sys.exit(os.waitpid(child, 0)[1])\n"
    )
    subprocess.run([sys.executable, "-c", program, url], check=True, timeout=30)


def test_an_object_key_spreads_over_256_folders() -> None:
    digest = hashlib.sha256(b"").digest()
    assert object_key(digest) == f"objects/e3/{digest.hex()[2:]}"
    with pytest.raises(ValueError, match="32 bytes"):
        object_key(b"short")
