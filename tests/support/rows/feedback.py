"""Searches and their images as rows, for tests of what people make of them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from flask import Flask
from sqlalchemy import insert
from werkzeug.test import TestResponse

from common.database.ids import new_id
from common.database.session import Sessions, now, transact
from common.tables import Prediction, State
from tests.support.http.accounts import Account, make_ml, sign_up
from tests.support.images.pictures import encode, picture

MODEL = {"name": "bm25", "version": "1", "sha256": "00"}
_seeds = iter(range(10**6))


def searched(
    sessions: Sessions,
    query: str,
    found: Sequence[UUID],
    model: dict[str, Any] = MODEL,
    at: datetime | None = None,
    **columns: Any,
) -> UUID:
    """A finished search that has found these images."""
    id = new_id()
    items = [{"image_id": str(image), "score": 1.0} for image in found]
    row = {
        "id": id, "task": "search", "params": {"query": query},
        "state": State.SUCCEEDED, "model": model, "result": {"items": items, "detail": None},
        **({"created_at": at} if at else {}), **columns,
    }  # fmt: skip
    statement = insert(Prediction).values(deadline_at=now(60), **row)
    transact(sessions, lambda session: session.execute(statement))
    return id


def upload(app: Flask, name: str = "a.png", visibility: str = "public", **options: Any) -> UUID:
    """The id of a new image."""
    path = f"/v1/images?name={name}&visibility={visibility}"
    data = encode(picture(seed=next(_seeds)), "PNG")
    sent = {"data": data, "content_type": "image/png"} | options
    answer = app.test_client().post(path, **sent)
    assert answer.status_code == 201, answer.text
    return UUID(answer.get_json()["id"])


def give(app: Flask, search: UUID | str, who: str = "10.0.0.1", **fields: Any) -> TestResponse:
    """Feedback from an address, or with `headers`."""
    headers = fields.pop("headers", {})
    body = {k: [str(v) for v in value] for k, value in fields.items()} | {"search_id": str(search)}
    return app.test_client().post(
        "/v1/feedback", json=body, headers=headers, environ_overrides={"REMOTE_ADDR": who}
    )


def ml_team(app: Flask, sessions: Sessions) -> Account:
    """Somebody of the ML team."""
    return make_ml(sessions, sign_up(app))
