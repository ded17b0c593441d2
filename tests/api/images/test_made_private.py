"""An image becomes private, by each way there is: it is gone for others on every path, in searches,
replays and caches."""

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import delete, insert
from sqlalchemy.orm import Session

from common.database.ids import new_id
from common.database.session import Sessions, transact
from common.predictions import Success
from common.tables import EngineProcess
from common.tasks.thumbnail import thumbnail_keys
from tests.support.http import admin
from tests.support.http.accounts import Account, make_admin, sign_up
from tests.support.http.calls_in_process import ask, call, photo, status, upload
from tests.support.rows import feedback
from tests.support.rows.prediction_steps import MODEL, take, write
from tests.support.services.in_process import app as app

RESULT = {"labels": [{"name": "tabby", "score": 0.9}], "objects": []}
KEY = {"Idempotency-Key": "of-ben-0123456789abcdef"}
OUTLINE: dict[str, Any] = {"task": "outline", "params": {"format": "polygons"}}
WAYS = ("patch", "upload", "admin", "post")


@pytest.fixture
def people(app: Flask, sessions: Sessions) -> dict[str, Account]:
    found = {name: sign_up(app) for name in ("anna", "ben", "carl", "root")}
    make_admin(sessions, found["root"])
    return found


def report(sessions: Sessions) -> None:
    """An engine that answers by MODEL, so that known results can be given again."""
    tasks = {
        task: {"ready": True, "problem": None, "model": MODEL} for task in ("classify", "outline")
    }

    def work(session: Session) -> None:
        session.execute(delete(EngineProcess))
        session.execute(insert(EngineProcess).values(id=new_id(), name="e", report=tasks))

    transact(sessions, work)


def succeed(sessions: Sessions, *ids: str) -> None:
    jobs = take(sessions, [UUID(id) for id in ids]).jobs
    write(sessions, *(Success(job, RESULT, MODEL, {"predict": 0.1}) for job in jobs))


def shown_by(way: str, app: Flask, anna: Account, data: bytes) -> dict[str, Any]:
    """An image of Anna's that everyone may see, and what hiding it takes."""
    query = "name=a.png" + ("" if way == "post" else "&visibility=public")
    image: dict[str, Any] = upload(app, anna, data, query)
    if way == "post":
        form = {"text": "Hello", "image_id": image["id"]}
        image["post"] = call(app, "POST", "/v1/posts", anna, json=form).get_json()["id"]
    return image


def hide(
    way: str, app: Flask, people: dict[str, Account], image: dict[str, Any], data: bytes
) -> int:
    path, anna = f"/v1/images/{image['id']}", people["anna"]
    if way == "patch":
        return status(app, "PATCH", path, anna, json={"visibility": "private"})
    if way == "upload":
        return int(upload(app, anna, data, "visibility=private")["visibility"] == "private") * 200
    if way == "post":
        return status(app, "DELETE", f"/v1/posts/{image['post']}", anna)
    form = {"action": "private", "rowid": image["id"]}
    return admin.status(app, people["root"].name, "POST", "/admin/images/action", form)


@dataclass
class Asked:
    """What Ben has asked of the image while everyone could see it."""

    row: str
    unfinished: str
    replayed: dict[str, Any]  # a request of his with KEY
    batch: str
    search: UUID

    def paths(self, image: str) -> list[str]:
        """What leads to the image or to predictions of it."""
        return [
            f"/v1/images/{image}", f"/v1/images/{image}/content", f"/v1/images/{image}/thumbnail",
            f"/v1/images/{image}/preview", f"/v1/images/{image}/preview?blur=faces",
            f"/v1/predictions/{self.row}", f"/v1/predictions/{self.row}?wait=1",
            f"/v1/predictions/{self.unfinished}", f"/predictions/{self.row}",
            f"/outline/objects/check/{self.row}",
        ]  # fmt: skip


def asked_by(ben: Account, app: Flask, sessions: Sessions, image: str) -> Asked:
    sent = {**OUTLINE, "image_id": image}
    row = call(app, "POST", "/v1/predictions", ben, json=sent).get_json()["id"]
    succeed(sessions, row)
    replayed = {**sent, "metadata": {"a": 1}}
    first = call(app, "POST", "/v1/predictions", ben, json=replayed, headers=KEY)
    assert (first.status_code, first.get_json()["cached"]) == (200, True)
    fresh = call(app, "POST", "/v1/predictions", ben, json={**sent, "fresh": True})
    item = {"custom_id": "a", "task": "outline", "image_id": image}
    batch = call(app, "POST", "/v1/batches", ben, json=[item]).get_json()["id"]
    [line] = call(app, "GET", f"/v1/batches/{batch}/items", ben).get_json()["items"]
    succeed(sessions, line["prediction_id"])
    search = feedback.searched(sessions, "cat", [UUID(image)], owner_id=ben.id)
    return Asked(row, fresh.get_json()["id"], replayed, batch, search)


@pytest.mark.parametrize("way", WAYS)
def test_it_is_gone_on_every_path(
    app: Flask, sessions: Sessions, people: dict[str, Account], way: str
) -> None:
    report(sessions)
    data, ben = photo(), people["ben"]
    image = shown_by(way, app, people["anna"], data)
    id, storage = image["id"], app.extensions["afterimage"].services.storage
    for key in thumbnail_keys(bytes.fromhex(image["sha256"])):
        storage.put(key, b"small")
    asked = asked_by(ben, app, sessions, id)
    before = {path: call(app, "GET", path, ben) for path in asked.paths(id)}
    assert {answer.status_code for answer in before.values()} == {200}
    assert hide(way, app, people, image, data) in (200, 204, 302)
    for who in (ben, people["carl"], None):
        for path, answer in before.items():
            assert status(app, "GET", path, who) == 404, path
            tag = {"If-None-Match": answer.headers.get("ETag", "*")}
            assert status(app, "GET", path, who, headers=tag) == 404, f"{path}: no 304 either"
        for path in ("/v1/posts", "/v1/predictions", f"/v1/predictions?image_id={id}"):
            assert id not in call(app, "GET", path, who).text, path
    no_more_is_told(app, ben, id, asked)
    # Nor does the result cache tell that somebody has the same bytes.
    same = upload(app, ben, data)["id"]
    assert ask(app, ben, same, **OUTLINE)["cached"] is False
    assert status(app, "GET", f"/v1/images/{id}", people["anna"]) == 200


def no_more_is_told(app: Flask, ben: Account, image: str, asked: Asked) -> None:
    """By searches, batches and replays; nor can anything be asked."""
    assert image not in call(app, "GET", f"/v1/predictions/{asked.search}", ben).text
    line = json.loads(call(app, "GET", f"/v1/batches/{asked.batch}/results", ben).data)
    assert line["result"] is None
    again = call(app, "POST", "/v1/predictions", ben, json=asked.replayed, headers=KEY)
    assert (again.status_code, again.get_json()["code"]) == (404, "image_not_found")
    for verb in ("cancel", "retry"):
        assert status(app, "POST", f"/v1/predictions/{asked.row}/{verb}", ben) == 404
    sent = {**OUTLINE, "image_id": image}
    assert status(app, "POST", "/v1/predictions", ben, json=sent) == 422


def test_a_request_that_waits_meanwhile_is_told_nothing(
    app: Flask, sessions: Sessions, people: dict[str, Account], monkeypatch: pytest.MonkeyPatch
) -> None:
    image = upload(app, people["anna"], query="visibility=public")["id"]
    row = ask(app, people["anna"], image)["id"]
    waiting = app.extensions["afterimage"].waiters
    wait = waiting.until_final

    def hidden_meanwhile(*args: Any, **options: Any) -> Any:
        with ThreadPoolExecutor(1) as another:  # two requests of one thread share Flask's `g`
            change = {"visibility": "private"}
            path, anna = f"/v1/images/{image}", people["anna"]
            assert another.submit(status, app, "PATCH", path, anna, json=change).result() == 200
        succeed(sessions, row)
        return wait(*args, **options)

    monkeypatch.setattr(waiting, "until_final", hidden_meanwhile)
    assert status(app, "GET", f"/v1/predictions/{row}?wait=1", people["ben"]) == 404


# ---- the result cache, by who may see the image whose result it is


def cached(app: Flask, who: Account | None, data: bytes) -> bool:
    """Whether the caller is told at once; the same in the status, the state and the mark."""
    sent = {"data": data, "content_type": "image/png"}
    answer = call(app, "POST", "/v1/predictions?task=classify", who, **sent)
    row = answer.get_json()
    assert row["cached"] == (answer.status_code == 200) == (row["status"] == "succeeded")
    return bool(row["cached"])


@pytest.mark.parametrize(
    ("owner", "visibility", "knowing"),
    [
        ("anna", "private", {"anna"}),
        ("anna", "unlisted", {"anna"}),
        ("anna", "public", {"anna", "ben", None}),
        (None, "unlisted", {None}),
        (None, "public", {"anna", "ben", None}),
    ],
)
def test_known_results_are_given_to_who_may_know_them(
    app: Flask,
    sessions: Sessions,
    people: dict[str, Account],
    owner: str | None,
    visibility: str,
    knowing: set[str | None],
) -> None:
    report(sessions)
    callers: dict[str | None, Account | None] = {None: None}
    callers.update(people)
    data = photo()
    image = upload(app, callers[owner], data, f"visibility={visibility}")["id"]
    succeed(sessions, ask(app, callers[owner], image)["id"])
    found = {name for name in ("anna", "ben", None) if cached(app, callers[name], data)}
    assert found == knowing
    # Of the very image, by who knows its id.
    if visibility != "private":
        assert ask(app, people["carl"], image)["cached"]
