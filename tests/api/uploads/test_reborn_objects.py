"""An upload of bytes that the garbage collection is just taking away, or has taken."""

import hashlib
from pathlib import Path

import pytest
from sqlalchemy import select, update

from common.database.session import Sessions, read, transact
from common.storage import object_key, open_storage
from common.tables import StoredObject
from tests.support.images.pictures import encode, picture
from tests.support.services.in_process import application, send

PICTURE = encode(picture(), "PNG")
DIGEST = hashlib.sha256(PICTURE).digest()


def mark(sessions: Sessions, state: str) -> None:
    transact(sessions, lambda session: session.execute(update(StoredObject).values(state=state)))


def state(sessions: Sessions) -> str:
    return read(sessions, lambda session: session.scalars(select(StoredObject.state)).one())


@pytest.mark.parametrize("path", ["/v1/images", "/v1/predictions?task=classify"])
def test_bytes_that_were_deleted_are_put_again(
    sessions: Sessions, tmp_path: Path, path: str
) -> None:
    storage = open_storage(f"file://{tmp_path}/objects")
    with application(sessions, tmp_path) as app:
        assert send(app, path, PICTURE).status_code in (201, 202)
        mark(sessions, "deleted")
        # As if they were deleted between the upload's put and its transaction.
        put = app.extensions["afterimage"].services.storage.put
        puts = []

        def put_and_lose_the_first(key: str, data: bytes) -> None:
            put(key, data)
            puts.append(key)
            if len(puts) == 1:
                storage.delete(key)

        app.extensions["afterimage"].services.storage.put = put_and_lose_the_first
        assert send(app, path, PICTURE).status_code in (201, 202)
    assert puts == [object_key(DIGEST)] * 2
    assert storage.get(object_key(DIGEST)) == PICTURE
    assert state(sessions) == "ready"


def test_bytes_that_may_go_at_any_moment_are_not_relied_on(
    sessions: Sessions, tmp_path: Path
) -> None:
    with application(sessions, tmp_path) as app:
        assert send(app, "/v1/images", PICTURE).status_code == 201
        mark(sessions, "deleting")
        refused = send(app, "/v1/images", PICTURE)
    assert refused.status_code == 503
    assert refused.json and refused.json["code"] == "database_unavailable"
    assert refused.headers["Retry-After"]
