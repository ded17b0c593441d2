"""An image that strangers have asked thousands of predictions of: its owner is not held up."""

import json
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import func, insert, select
from sqlalchemy.orm import Session

from api import state
from common.database.ids import new_id
from common.database.session import Sessions, now, read, transact
from common.predictions.open_limits import MOST_OPEN
from common.tables import Image, Post, Prediction, State
from engine.index.documents import Words
from engine.index.image_facts import MOST_POSTS, look
from tests.support.http.accounts import Account
from tests.support.http.calls_in_process import ask, call, status, upload
from tests.support.rows.prediction_steps import success, take, write
from tests.support.rows.social import new_post
from tests.support.services.in_process import app as app
from tests.support.services.in_process import count, statements

pytestmark = pytest.mark.slow

CROWD = 3_000
BIG = {"objects": [{"label": "sofa", "outline": "x" * 2_000}]}


def crowd(sessions: Sessions, image: str, number: int = CROWD, **columns: Any) -> list[UUID]:
    """Finished predictions of the image that an anonymous caller has asked for."""
    given = {"state": State.SUCCEEDED, "result": BIG, "model": {"name": "m", "version": "1"}}
    about = {"image_id": UUID(image), "task": "outline", "params": {}, **given, **columns}
    rows = [{"id": new_id(), **about} for _ in range(number)]
    statement = insert(Prediction).values(deadline_at=now(60))
    transact(sessions, lambda session: session.execute(statement, rows))
    return [row["id"] for row in rows]


def shown(app: Flask, image: str, who: Account | None = None) -> Any:
    answer = call(app, "GET", f"/v1/images/{image}", who)
    assert answer.status_code == 200, answer.text
    return answer


def test_an_image_shows_one_prediction_a_task(
    app: Flask, sessions: Sessions, anna: Account
) -> None:
    image = upload(app, anna, query="visibility=public")["id"]
    mine = [ask(app, anna, image, task=task)["id"] for task in ("classify", "outline")]
    crowd(sessions, image)
    [newest] = crowd(sessions, image, 1, task="caption", result={"text": "x"})
    with statements(app) as sent:
        answer = shown(app, image)
    # In no order of their own: ids of the same millisecond sort by chance.
    assert {row["id"] for row in answer.get_json()["predictions"]} == {*mine, str(newest)}
    assert len(answer.get_json()["predictions"]) == 3
    assert len(answer.data) < 20_000
    # The periodic refresh of the queue's statistics, in another thread, names no image.
    assert len([each for each in sent if "predictions.image_id" in each]) in (1, 2)


def test_the_same_is_shown_of_few_as_of_many(app: Flask, sessions: Sessions, anna: Account) -> None:
    image = upload(app, anna, query="visibility=public")["id"]
    first, second = (ask(app, anna, image, fresh=True)["id"] for _ in range(2))
    other = ask(app, None, image)["id"]
    outline = max(crowd(sessions, image, 2))
    few = [row["id"] for row in shown(app, image).get_json()["predictions"]]
    crowd(sessions, image, 50, task="classify")
    many = [row["id"] for row in shown(app, image).get_json()["predictions"]]
    assert few == many == [second, str(outline)]
    assert {first, other}.isdisjoint(few)


def test_the_rest_is_listed_in_pages(
    app: Flask, sessions: Sessions, anna: Account, ben: Account
) -> None:
    image = upload(app, anna, query="visibility=public")["id"]
    asked = {ask(app, who, image)["id"] for who in (anna, ben, None)}
    asked |= set(map(str, crowd(sessions, image, 40)))
    for who in (anna, ben, None):
        seen = set[str]()
        page: dict[str, Any] = {"next": ""}
        while page["next"] is not None:
            cursor = f"&cursor={page['next']}" if page["next"] else ""
            path = f"/v1/predictions?image_id={image}&limit=20{cursor}"
            page = call(app, "GET", path, who).get_json()
            assert len(page["items"]) <= 20
            seen |= {row["id"] for row in page["items"]}
            names = {row["user"] for row in page["items"]}
            assert names <= {who.name if who else None, None}, "who else asked is not told"
        assert seen == asked
    call(app, "PATCH", f"/v1/images/{image}", anna, json={"visibility": "private"})
    hidden = call(app, "GET", f"/v1/predictions?image_id={image}", ben)
    assert hidden.get_json()["items"] == []
    assert status(app, "GET", f"/v1/predictions?image_id={image}", None) == 401


def test_hiding_it_changes_one_row(app: Flask, sessions: Sessions, anna: Account) -> None:
    image = upload(app, anna, query="visibility=public")["id"]
    rows = crowd(sessions, image)
    with statements(app) as sent:
        changed = call(app, "PATCH", f"/v1/images/{image}", anna, json={"visibility": "private"})
    assert changed.status_code == 200
    assert not [each for each in sent if each.startswith("UPDATE predictions")]
    assert [status(app, "GET", f"/v1/predictions/{rows[n]}", None) for n in (0, -1)] == [404, 404]
    assert status(app, "GET", f"/v1/predictions/{rows[0]}", anna) == 200


def test_deleting_it_takes_bounded_transactions(
    app: Flask, sessions: Sessions, anna: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    image = upload(app, anna, query="visibility=public")["id"]
    crowd(sessions, image)
    sizes = list[int]()

    def counting(*args: Any, **options: Any) -> Any:
        before = count(sessions, Prediction)
        result = state.write(*args, **options)
        sizes.append(before - count(sessions, Prediction))
        return result

    monkeypatch.setattr("api.images.service.write", counting)
    with statements(app) as sent:
        assert status(app, "DELETE", f"/v1/images/{image}", anna) == 204
    assert max(sizes) == 500
    assert len(sent) < 250, "no statement a row"
    assert count(sessions, Image) == 0
    left = select(func.count()).where(Prediction.task != "index")
    assert read(sessions, lambda session: session.scalar(left)) == 0


def test_a_removal_that_is_interrupted_has_hidden_the_image(
    app: Flask, sessions: Sessions, anna: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    image = upload(app, anna, query="visibility=public")["id"]
    crowd(sessions, image, 700)

    class Killed(BaseException):
        pass

    def killed(*_args: Any) -> None:
        raise Killed

    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr("api.images.service._follow", killed)
        call(app, "DELETE", f"/v1/images/{image}", anna)
    assert status(app, "GET", f"/v1/images/{image}", None) == 404
    assert status(app, "GET", f"/v1/images/{image}", anna) == 200
    assert status(app, "DELETE", f"/v1/images/{image}", anna) == 204
    assert status(app, "GET", f"/v1/images/{image}", anna) == 404


def test_strangers_are_capped_and_owners_are_not(
    app: Flask, sessions: Sessions, anna: Account, ben: Account
) -> None:
    image = upload(app, anna, query="visibility=public")["id"]
    wanted = {"task": "classify", "image_id": image}
    items = [{"custom_id": str(n), **wanted} for n in range(MOST_OPEN + 20)]
    for who in (ben, None):
        made = call(app, "POST", "/v1/batches", who, json={"items": items}).get_json()
        assert (made["counts"]["queued"], made["counts"]["rejected"]) == (MOST_OPEN, 20)
        path = f"/v1/batches/{made['id']}/items?status=rejected&limit=1"
        [refused] = call(app, "GET", path, who).get_json()["items"]
        assert refused["error"]["code"] == "too_many_open"
        for task in ("classify", "outline"):
            full = call(app, "POST", "/v1/predictions", who, json={**wanted, "task": task})
            assert (full.status_code, full.get_json()["code"]) == (409, "too_many_open")
            assert str(MOST_OPEN) in full.get_json()["detail"]
    other = upload(app, anna, query="visibility=public")["id"]
    ask(app, ben, other)
    made = call(app, "POST", "/v1/batches", anna, json={"items": items}).get_json()
    assert made["counts"]["queued"] == MOST_OPEN + 20
    ask(app, anna, image)
    finish_one(sessions, image, ben)
    ask(app, ben, image)
    assert status(app, "POST", "/v1/predictions", ben, json=wanted) == 409


def finish_one(sessions: Sessions, image: str, who: Account) -> None:
    of_image = select(Prediction.id).where(
        Prediction.image_id == UUID(image), Prediction.owner_id == who.id
    )
    id = read(sessions, lambda session: session.scalars(of_image.limit(1)).one())
    [job] = take(sessions, [id]).jobs
    write(sessions, success(job))


def test_an_unlisted_image_of_an_anonymous_caller_is_not_anothers(app: Flask) -> None:
    image = upload(app, None)["id"]
    wanted = {"task": "classify", "image_id": image}
    items = [{"custom_id": str(n), **wanted} for n in range(MOST_OPEN + 20)]
    made = call(app, "POST", "/v1/batches", None, json={"items": items}).get_json()
    assert made["counts"]["queued"] == MOST_OPEN + 20


def test_the_indexer_reads_the_newest_results_and_posts(
    app: Flask, sessions: Sessions, anna: Account
) -> None:
    image = upload(app, anna, query="visibility=public")["id"]
    crowd(sessions, image, 200)
    crowd(sessions, image, 1, result={"objects": [{"label": "newest"}]})
    crowd(sessions, image, 50, state=State.FAILED, result=None, error_code="x")
    posts = sorted(new_post(sessions, anna.id, UUID(image)) for _ in range(MOST_POSTS + 5))
    texts = {post: f"word{number}" for number, post in enumerate(posts)}

    def rename(session: Session) -> None:
        for post, text in texts.items():
            session.get_one(Post, post).text = text

    transact(sessions, rename)
    found = read(sessions, lambda session: look(session, [UUID(image)], Words()))
    [document] = found.documents
    assert [name for name, _ in json.loads(document.known)["objects"]] == ["newest"]
    words = document.texts["posts"].split()
    assert len(words) == MOST_POSTS
    assert words[-1] == texts[posts[-1]]
    assert {task for _, task in found.missing} == {"classify", "embed", "fingerprint"}
