"""Orphaned objects go, and nothing else does: with a real store, on every database."""

import hashlib
import os
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, select, update

from common.broker import open_broker
from common.database.ids import new_id
from common.database.session import Sessions, now, read, transact
from common.housekeeping import garbage, job_locks
from common.services import Services
from common.settings import Settings
from common.storage import ObjectMissing, StorageUnavailable, object_key, open_storage
from common.tables import IdempotencyKey, JobLock, StoredObject
from common.tasks.thumbnail import FACES, PREVIEW, thumbnail_key, thumbnail_keys
from engine.garbage import AGAIN, delete_condemned, do_due_chores, find_orphans, forget
from tests.support.servers.s3 import s3_storage_url


@pytest.fixture
def services(sessions: Sessions, tmp_path: Path) -> Iterator[Services]:
    broker = open_broker("memory://")
    storage = open_storage(f"file://{tmp_path}/objects")
    yield Services(Settings.from_env({"DATA_DIR": str(tmp_path)}), sessions, storage, broker)
    broker.close()


def put(services: Services, data: bytes, age_hours: float = 0, known: bool = False) -> bytes:
    digest = hashlib.sha256(data).digest()
    services.storage.put(object_key(digest), data)
    written = (datetime.now(UTC) - timedelta(hours=age_hours)).timestamp()
    folder = services.settings.data_dir / "objects"
    os.utime(folder / object_key(digest), (written, written))
    if known:
        row = {"sha256": digest, "size": len(data), "media_type": "image/png", "state": "ready"}
        transact(services.sessions, lambda s: s.execute(insert(StoredObject), [row]))
    return digest


def is_there(services: Services, digest: bytes) -> bool:
    try:
        return bool(services.storage.get(object_key(digest)))
    except ObjectMissing:
        return False


def states(services: Services) -> dict[bytes, str]:
    rows = select(StoredObject.sha256, StoredObject.state)
    return {r.sha256: r.state for r in read(services.sessions, lambda s: s.execute(rows).all())}


def test_an_old_object_without_a_row_goes_and_no_other(services: Services) -> None:
    orphan = put(services, b"orphan", age_hours=25)
    kept = [put(services, b"young", age_hours=23), put(services, b"known", 99, known=True)]
    services.storage.put("objects/readme.txt", b"not ours")
    assert find_orphans(services) == 1
    assert is_there(services, orphan), "only condemned so far"
    assert delete_condemned(services) == 1
    assert not is_there(services, orphan)
    assert all(is_there(services, digest) for digest in kept)
    assert services.storage.get("objects/readme.txt") == b"not ours"
    assert states(services) == {orphan: "deleted", kept[1]: "ready"}
    assert (find_orphans(services), delete_condemned(services)) == (0, 0)


def test_thumbnails_go_with_their_original_and_no_others(services: Services) -> None:
    orphan = put(services, b"orphan", age_hours=25)
    known = put(services, b"known", 99, known=True)
    for digest in (orphan, known):
        for key in thumbnail_keys(digest)[1:]:  # one is missing: not every size was asked for
            services.storage.put(key, b"small")
    find_orphans(services)
    assert delete_condemned(services) == 1
    left = {entry.key for entry in services.storage.list("thumbnails")}
    assert left == set(thumbnail_keys(known)[1:])
    assert thumbnail_key(known, PREVIEW, FACES) in left


@pytest.mark.parametrize(("size", "blur"), [(256, None), (PREVIEW, FACES)])
def test_thumbnails_whose_original_has_no_row_go(
    services: Services, size: int, blur: str | None
) -> None:
    known = put(services, b"known", 99, known=True)
    gone, young = (hashlib.sha256(data).digest() for data in (b"gone", b"young"))
    for digest, age_hours in ((gone, 25), (young, 1), (known, 99)):
        key = thumbnail_key(digest, size, blur)
        services.storage.put(key, b"small")
        written = (datetime.now(UTC) - timedelta(hours=age_hours)).timestamp()
        os.utime(services.settings.data_dir / "objects" / key, (written, written))
    services.storage.put("thumbnails/readme.txt", b"not ours")
    assert find_orphans(services) == 1
    assert delete_condemned(services) == 1
    left = {entry.key for entry in services.storage.list("thumbnails")}
    kept = {thumbnail_key(digest, size, blur) for digest in (young, known)}
    assert left == kept | {"thumbnails/readme.txt"}


def test_an_object_that_an_upload_has_saved_stays(services: Services) -> None:
    orphan = put(services, b"orphan", age_hours=25)
    find_orphans(services)
    saved = update(StoredObject).values(state="ready")
    transact(services.sessions, lambda s: s.execute(saved))
    assert delete_condemned(services) == 0
    assert is_there(services, orphan)


def test_tombstones_and_old_keys_are_forgotten(services: Services) -> None:
    orphan = put(services, b"orphan", age_hours=25)
    find_orphans(services)
    delete_condemned(services)
    for name, age in (("old", garbage.KEYS_KEPT + 1), ("young", garbage.KEYS_KEPT - 60)):
        enter_key(services.sessions, name, age)
    assert forget(services) == 1, "the tombstone is young, too"
    past = update(StoredObject).values(created_at=now(-garbage.TOMBSTONE - 1))
    transact(services.sessions, lambda s: s.execute(past))
    assert forget(services) == 1
    assert orphan not in states(services)
    names = read(services.sessions, lambda s: s.scalars(select(IdempotencyKey.name)).all())
    assert names == ["young"]


def enter_key(sessions: Sessions, name: str, age: float) -> None:
    values: dict[str, Any] = {
        "scope": bytes(32), "name": name, "request_hash": bytes(32), "prediction_ids": [],
    }  # fmt: skip
    entered = insert(IdempotencyKey).values(**values, image_id=new_id(), created_at=now(-age))
    transact(sessions, lambda s: s.execute(entered))


def test_a_chore_is_done_by_one_of_all_who_ask(sessions: Sessions) -> None:
    turns = [
        transact(sessions, lambda s: job_locks.take(s, "sweep the yard", 60)) for _ in range(3)
    ]
    assert turns == [True, False, False]
    assert transact(sessions, lambda s: job_locks.take(s, "feed the cat", 0))
    assert transact(sessions, lambda s: job_locks.take(s, "feed the cat", 0)), "due again"


def test_all_chores_run_and_then_rest(services: Services) -> None:
    orphan = put(services, b"orphan", age_hours=25)
    do_due_chores(services, ())
    assert not is_there(services, orphan)
    put(services, b"another", age_hours=25)
    do_due_chores(services, ())
    assert states(services) == {orphan: "deleted"}, "not due before tomorrow"


def test_a_chore_that_failed_is_due_again_soon(services: Services, s3_server: str) -> None:
    bucket = f"later-{new_id().hex}"
    storage = open_storage(s3_storage_url(s3_server, bucket) + "&timeout=10")
    on_s3 = replace(services, storage=storage)
    with pytest.raises(StorageUnavailable, match="NoSuchBucket"):
        do_due_chores(on_s3, ())
    assert not transact(services.sessions, lambda s: job_locks.take(s, "find orphans", 60))
    soon = update(JobLock).where(JobLock.due_at < now(AGAIN + 1)).values(due_at=now(-1))
    transact(services.sessions, lambda s: s.execute(soon))
    storage.ensure()
    do_due_chores(on_s3, ())
    found = select(JobLock.name).where(JobLock.due_at > now(23 * 3600))
    names = read(services.sessions, lambda s: s.scalars(found).all())
    assert names == ["find orphans"], "done, and due tomorrow"
