"""The served stack with no engine running: the tests take an engine's steps themselves."""

import time
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
import requests
from sqlalchemy import select

from common.database.session import Sessions, now
from common.tables import Prediction, State
from tests.support.http.calls import post
from tests.support.images.pictures import encode, picture
from tests.support.rows.databases import opened
from tests.support.rows.prediction_steps import rewrite, success, take, write
from tests.support.services.served import Stack, emptied, served

SIZES = iter(range(32, 2000))


@pytest.fixture(scope="module")
def idle(
    database_url: str, broker_url: str, models: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stack]:
    folder = tmp_path_factory.mktemp("idle")
    emptied(database_url, folder)
    storage = f"file://{folder}/objects"
    environ = {"MODEL_DIR": models}
    with served(folder, database_url, broker_url, storage, engine=False, **environ) as stack:
        yield stack


@pytest.fixture
def sessions(idle: Stack, database_url: str) -> Iterator[Sessions]:
    """Its database, in which nothing is queued and no engine has done anything."""
    with opened(database_url) as found:
        done = {"state": State.FAILED, "error_code": "x", "check_at": None, "started_at": None}
        rewrite(found, everything(found), **done)
        time.sleep(1.1)  # what the API knows of its queues is a second old at most
        yield found


def everything(sessions: Sessions) -> list[UUID]:
    with sessions.read() as session:
        return list(session.scalars(select(Prediction.id)))


def photo() -> bytes:
    """An image like no other."""
    return encode(picture("RGB", (next(SIZES), 24)), "PNG")


def ask(url: str, **fields: Any) -> requests.Response:
    given = {"task": "classify", **fields}
    return post(f"{url}/v1/predictions", data=given, files={"file": ("a.png", photo())})


def verb(url: str, id: str, name: str) -> requests.Response:
    return requests.post(f"{url}/v1/predictions/{id}/{name}", timeout=30)


def held(sessions: Sessions, id: str) -> Any:
    """The job, as an engine that has claimed it holds it."""
    [job] = take(sessions, [UUID(id)]).jobs
    return job


def history(idle: Stack, sessions: Sessions, count: int, seconds: float) -> None:
    """Let `count` have been done within `seconds`, some time ago."""
    done = [UUID(ask(idle.base_url).json()["id"]) for _ in range(count)]
    write(sessions, *map(success, take(sessions, done).jobs))
    then = {"started_at": now(-20), "finished_at": now(-20)}
    rewrite(sessions, done, created_at=now(-20 - seconds), **then)
