"""Deletion deletes: after an image or an account is gone, no table, file or index refers to it."""

import json
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import select

from api import state
from common.database.ids import new_id
from common.database.session import Sessions, now, read, transact
from common.predictions import Success
from common.tables import Prediction
from common.tasks.thumbnail import thumbnail_keys
from tests.support.http.accounts import PASSWORD, Account
from tests.support.http.calls_in_process import ask, call, upload
from tests.support.http.multipart_parts import parts
from tests.support.http.posts import FOUND, link
from tests.support.rows import feedback
from tests.support.rows.deletion import (
    everything,
    files,
    indexed,
    mentions,
    settle,
    store_thumbnails,
)
from tests.support.rows.prediction_steps import MODEL, take, write
from tests.support.services.in_process import app as app

SECRET = "patient-4711"


def answer(sessions: Sessions, *rows: Any) -> None:
    ids = {UUID(row["id"]): row["task"] for row in rows}
    for job in take(sessions, list(ids)).jobs:
        write(sessions, Success(job, FOUND[ids[job.id]], MODEL, {"predict": 0.25}))


def used(app: Flask, sessions: Sessions, anna: Account, ben: Account) -> dict[str, Any]:
    """Anna's image, with everything that people can attach to it, and what she did elsewhere."""
    key: dict[str, Any] = {"Idempotency-Key": "k" * 20}
    image = upload(app, anna, query="visibility=public&tasks=classify", **key)
    id = image["id"]
    hers = ask(app, anna, id, task="caption", webhook="https://x.invalid/", metadata={"a": SECRET})
    his = ask(app, ben, id, task="caption", webhook="https://y.invalid/", metadata={"a": "b"})
    answer(sessions, *image["predictions"], hers, his)
    sent = {"task": "outline", "image_id": id}
    call(app, "POST", "/v1/predictions", ben, json=sent, headers=key)
    items = [
        {"custom_id": f"{SECRET} {task}", "task": task, "image_id": id} for task in ("embed", "x")
    ]
    for who in (anna, ben):
        call(app, "POST", "/v1/batches", who, json=items, headers={"Idempotency-Key": "b" * 20})
    form = {"text": f"of {SECRET}", "image_id": id}
    post = call(app, "POST", "/v1/posts", anna, json=form).get_json()
    link(app, anna, post["id"])
    call(app, "PUT", f"/v1/posts/{post['id']}/like", ben)
    elsewhere(app, sessions, anna, ben)
    for who in (anna, ben):
        search = feedback.searched(sessions, "a tabby", [UUID(id)], owner_id=who.id)
        feedback.give(app, search, positive=[id], clicks=[id], headers=who.headers)
    return {**image, "post": post["id"]}


def elsewhere(app: Flask, sessions: Sessions, anna: Account, ben: Account) -> None:
    """What Anna does with what is Ben's."""
    other = upload(app, ben, query="visibility=public")["id"]
    call(app, "POST", "/predict", anna, **parts("file", f"{SECRET}.txt", b"a text"))
    answer(sessions, ask(app, anna, other, metadata={"a": SECRET}, webhook="https://x.invalid/"))
    his_post = call(app, "POST", "/v1/posts", ben, json={"text": "x", "image_id": other}).get_json()
    call(app, "PUT", f"/v1/posts/{his_post['id']}/like", anna)
    call(app, "PUT", f"/v1/users/{ben.name}/follow", anna)
    call(app, "PUT", f"/v1/users/{anna.name}/follow", ben)
    call(app, "POST", "/v1/keys", anna, json={"name": SECRET})
    feedback.searched(sessions, f"the illness of {SECRET}", [], owner_id=anna.id)


def test_nothing_refers_to_a_deleted_image(
    app: Flask, sessions: Sessions, anna: Account, ben: Account
) -> None:
    image = used(app, sessions, anna, ben)
    store_thumbnails(app, image["sha256"])
    assert indexed(app, image["id"])
    before = mentions(sessions, image["id"])
    assert before >= {
        "images", "predictions", "posts", "votes", "clicks", "lessons", "idempotency_keys",
        "batch_items",
    }  # fmt: skip
    assert len(files(app, image["sha256"])) >= len(thumbnail_keys(bytes.fromhex(image["sha256"])))
    deleted = call(app, "DELETE", f"/v1/images/{image['id']}", anna)
    assert deleted.status_code == 204
    assert not indexed(app, image["id"])
    settle(app, sessions)
    assert files(app, image["sha256"]) == []
    assert mentions(sessions, image["sha256"]) == set()
    # Searches keep what they have found until they are forgotten; no answer shows it.
    assert mentions(sessions, image["id"]) <= {"predictions"}
    of_image = select(Prediction.id).where(
        Prediction.task.not_in(["search"]), Prediction.image_id == UUID(image["id"])
    )
    assert read(sessions, lambda session: session.scalars(of_image).all()) == []
    log = call(app, "GET", "/v1/predictions?limit=100", ben).get_json()
    assert image["id"] not in json.dumps(log)
    assert image["post"] not in str(everything(sessions))


def test_votes_and_clicks_are_still_counted(
    app: Flask, sessions: Sessions, anna: Account, ben: Account
) -> None:
    image = used(app, sessions, anna, ben)
    before = {table: len(rows) for table, rows in everything(sessions).items()}
    call(app, "DELETE", f"/v1/images/{image['id']}", anna)
    after = {table: len(rows) for table, rows in everything(sessions).items()}
    for table in ("votes", "clicks", "batches", "batch_items"):
        assert after[table] == before[table] > 0, table


def test_nothing_refers_to_a_closed_account(
    app: Flask, sessions: Sessions, anna: Account, ben: Account
) -> None:
    image = used(app, sessions, anna, ben)
    store_thumbnails(app, image["sha256"])
    names = (anna.id, anna.name, f"{anna.name.replace(' ', '.')}@example.org", SECRET)
    before = mentions(sessions, *names)
    assert before >= {
        "users", "logins", "api_keys", "images", "predictions", "batches", "posts", "likes",
        "follows", "share_links", "batch_items",
    }  # fmt: skip
    voters = set(everything(sessions)["voters"])
    batch_of_ben = f"{SECRET} embed"
    left = call(app, "DELETE", "/v1/users/me", anna, json={"password": PASSWORD})
    assert left.status_code == 204
    settle(app, sessions)
    # Ben's batch says SECRET too, and so may he: it is his custom_id.
    assert mentions(sessions, *names) <= {"batch_items"}
    rows = everything(sessions)["batch_items"]
    assert len([row for row in rows if batch_of_ben in row]) == 1
    assert mentions(sessions, *names[:3], "the illness of") == set()
    assert files(app, image["sha256"]) == []
    [gone] = voters - set(everything(sessions)["voters"])
    assert gone.split()[0] not in " ".join(everything(sessions)["votes"])
    assert "x.invalid" not in str(everything(sessions))


def test_a_large_account_is_closed_in_pieces(
    app: Flask, sessions: Sessions, anna: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [
        {"id": new_id(), "task": "search", "params": {"query": SECRET}, "owner_id": anna.id}
        for _ in range(1_200)
    ]
    statement = Prediction.__table__.insert().values(deadline_at=now(60), state="succeeded")  # type: ignore[attr-defined]
    transact(sessions, lambda session: session.execute(statement, rows))
    sizes = list[int]()

    def counting(*args: Any, **options: Any) -> Any:
        result = state.write(*args, **options)
        sizes.append(result if isinstance(result, int) else 0)
        return result

    monkeypatch.setattr("api.accounts.service.write", counting)
    left = call(app, "DELETE", "/v1/users/me", anna, json={"password": PASSWORD})
    assert left.status_code == 204
    assert (max(sizes), sizes.count(500)) == (500, 2)
    assert mentions(sessions, SECRET) == set()
