"""What is missing is said, and is made good without a restart: models, broker, database, store."""

import sqlite3
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.support.abuse.bad_requests import UNKNOWN
from tests.support.checkout import CHECKOUT
from tests.support.http.calls import finished, forms, get, post, until
from tests.support.images.pictures import encode, picture
from tests.support.servers.backends import missing
from tests.support.servers.private import RunningServer, free_ports
from tests.support.servers.s3 import new_bucket, running_s3, s3_storage_url
from tests.support.services.processes import OURS, model_mirror, standalone
from tests.support.services.served import emptied, served

pytestmark = pytest.mark.slow

PHOTO = encode(picture(), "JPEG")
ASKED: dict[str, Any] = {"data": {"task": "classify"}, "files": {"file": ("a.jpg", PHOTO)}}
INFERENCE = {"name": "a", **forms(PHOTO)["base64"]["json"]}
QUEUED = 40  # predictions
OPEN = "SELECT count(*) FROM predictions WHERE state IN ('queued', 'processing')"


def ask(url: str) -> str:
    answer = post(f"{url}/v1/predictions?fresh=true", **ASKED)
    assert answer.status_code == 202
    return str(answer.json()["id"])


def test_a_killed_standalone_finishes_its_queue_when_it_is_back(
    tmp_path: Path, models: str
) -> None:
    settings = {"MODEL_MIRROR": "", "MODEL_DIR": models}
    with standalone(tmp_path, **settings) as first:
        large = encode(picture("RGB", (4000, 3000)), "JPEG")
        image = post(f"{first.base_url}/v1/images", **forms(large)["raw"]).json()["id"]
        asked = {"task": "classify", "image_id": image}
        with requests.Session() as session:
            answers = [
                session.post(f"{first.base_url}/v1/predictions?fresh=true", json=asked, timeout=30)
                for _ in range(QUEUED)
            ]
        first.kill()
    ids = [answer.json()["id"] for answer in answers if answer.status_code == 202]
    assert len(ids) == QUEUED
    with closing(sqlite3.connect(tmp_path / "afterimage.db")) as database:
        [left] = database.execute(OPEN).fetchone()
    assert left, "the queue was empty too early"
    with standalone(tmp_path, **settings) as second:
        rows = finished(second.base_url, ids, seconds=120)
        assert {row["status"] for row in rows.values()} == {"succeeded"}
        assert max(row["attempts"] for row in rows.values()) <= 2


def test_models_that_are_missing_are_named_and_found_without_a_restart(tmp_path: Path) -> None:
    if not (mirror := model_mirror()):
        missing("there are no models: neither MODEL_MIRROR nor ../shared/models")
    with standalone(tmp_path, until="/healthz", MODEL_MIRROR="") as running:
        url = running.base_url
        ready = until(lambda: without_model(url), 20, "the engine to say what is missing")
        others = {name: ready["checks"][name] for name in ("database", "storage", "broker")}
        assert set(others.values()) == {"ok"}
        assert get(f"{url}/readyz?for=uploads").status_code == 200
        assert get(f"{url}/v1/models").json() == {"items": []}
        # That a model is missing is not the image's fault: predictions wait for it.
        waiting = [ask(url), post(f"{url}/inference/image/", json=INFERENCE).json()["uuid"]]
        time.sleep(2)
        for id in waiting:
            row = get(f"{url}/v1/predictions/{id}").json()
            assert (row["status"], row["attempts"]) == ("queued", 0)
        pull(tmp_path, mirror)
        until(lambda: get(f"{url}/readyz").ok, 20, "to be ready")
        rows = finished(url, [*waiting, ask(url)], seconds=20)
        assert {row["status"] for row in rows.values()} == {"succeeded"}


def without_model(url: str) -> dict[str, Any] | None:
    answer = get(f"{url}/readyz")
    assert answer.status_code == 503
    said: dict[str, Any] = answer.json()
    assert said["status"] == "not ready"
    return said if "model" in said["checks"]["task classify"] else None


def pull(folder: Path, mirror: str) -> None:
    """`make models`, beside the running service."""
    environ = {"DATA_DIR": str(folder), "MODEL_MIRROR": mirror, "PATH": "/usr/bin:/bin"}
    assert not environ.keys() & (OURS - {"DATA_DIR", "MODEL_MIRROR"})
    command = [sys.executable, "-m", "engine.models", "pull"]
    subprocess.run(command, cwd=CHECKOUT, env=environ, check=True, timeout=60)


def test_uploads_are_accepted_while_the_broker_is_down(
    database_url: str, own_rabbitmq: RunningServer, models: str, tmp_path: Path
) -> None:
    emptied(database_url, tmp_path)
    storage, broker = f"file://{tmp_path}/objects", own_rabbitmq.url
    with served(tmp_path, database_url, broker, storage, MODEL_DIR=models) as stack:
        finished(stack.base_url, [ask(stack.base_url)], seconds=60)
        # RabbitMQ 3.10 does not bring a quorum queue back that is half a second old when killed.
        time.sleep(3)
        own_rabbitmq.kill()
        ids, slowest = [], 0.0
        for _ in range(20):
            started = time.monotonic()
            ids.append(ask(stack.base_url))
            slowest = max(slowest, time.monotonic() - started)
        assert slowest < 2
        ready = get(f"{stack.base_url}/readyz")
        assert (ready.status_code, ready.json()["checks"]["storage"]) == (503, "ok")
        assert "broker" in ready.json()["checks"]["broker"]
        own_rabbitmq.start()
        rows = finished(stack.base_url, ids, seconds=60)
        assert [(r["status"], r["attempts"]) for r in rows.values()] == [("succeeded", 1)] * 20


def test_whatever_is_down_is_said_and_found_again_without_a_restart(
    own_mariadb: RunningServer, tmp_path: Path
) -> None:
    [port] = free_ports(1)
    nowhere = f"amqp://guest:guest@127.0.0.1:{port}/"
    with ExitStack() as store:
        endpoint = store.enter_context(running_s3())
        storage = s3_storage_url(endpoint, new_bucket(endpoint))
        with served(tmp_path, own_mariadb.url, nowhere, storage, engine=False) as stack:
            check_without_broker(stack.base_url)
            check_without_database(stack.base_url, own_mariadb)
            check_without_store(stack.base_url, store)


def check_without_broker(url: str) -> None:
    """It has never been there: uploads are taken as ever, and waiting ends in time."""
    started = time.monotonic()
    id = ask(url)
    assert time.monotonic() - started < 2
    started = time.monotonic()
    row = get(f"{url}/v1/predictions/{id}?wait=1")
    assert (row.status_code, row.json()["status"]) == (200, "queued")
    assert 0.9 < time.monotonic() - started < 3


def check_without_database(url: str, database: RunningServer) -> None:
    id = ask(url)
    database.kill()
    check_503(url, "database_unavailable", [f"/v1/predictions/{id}", f"/v1/images/{UNKNOWN}"])
    assert get(f"{url}/healthz").status_code == 200
    assert get(f"{url}/v1/tasks").status_code == 200, "needs no database"
    ready = get(f"{url}/readyz?for=uploads")
    assert (ready.status_code, ready.json()["checks"]["storage"]) == (503, "ok")
    database.start()
    until(lambda: get(f"{url}/v1/predictions/{id}").ok, 5, "the row")
    ask(url)


def check_without_store(url: str, store: ExitStack) -> None:
    image = post(f"{url}/v1/images", **forms(PHOTO)["raw"]).json()
    assert get(image["urls"]["content"]).content == PHOTO
    store.close()  # its port still takes connections; nobody answers them
    check_503(url, "storage_unavailable", [f"/v1/images/{image['id']}/content"], seconds=3)
    assert get(image["urls"]["get"]).json() == image, "needs no store"


def check_503(url: str, code: str, paths: Sequence[str] = (), seconds: float = 3.5) -> None:
    """Uploads in every form, and these paths: 503 in time, with when to ask again."""
    calls = [("POST", "/v1/images", forms(PHOTO)[form]) for form in forms(PHOTO)]
    calls += [("POST", "/v1/predictions", ASKED), ("POST", "/inference/image", {"json": INFERENCE})]
    calls += [("GET", path, {}) for path in paths]
    for method, path, options in calls:
        started = time.monotonic()
        answer = requests.request(method, url + path, timeout=20, **options)
        assert time.monotonic() - started < seconds, (method, path)
        assert answer.status_code == 503, (method, path, answer.text)
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert answer.json()["code"] == code
        assert int(answer.headers["Retry-After"]) >= 1


def test_an_object_store_that_is_not_there_is_503(tmp_path: Path) -> None:
    [port] = free_ports(1)
    database, storage = f"sqlite:///{tmp_path}/a.db", f"http://127.0.0.1:{port}"
    storage_url = s3_storage_url(storage, "bucket")
    with served(tmp_path, database, "memory://", storage_url, engine=False) as stack:
        check_503(stack.base_url, "storage_unavailable", seconds=3)
        ready = get(f"{stack.base_url}/readyz?for=uploads")
        assert (ready.status_code, ready.json()["checks"]["database"]) == (503, "ok")
