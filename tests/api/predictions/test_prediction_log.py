"""The log of what was asked: my own, and everybody's for admins, with failures and reasons."""

from functools import partial
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import event, insert
from sqlalchemy.orm import Session

from api.predictions import history
from api.predictions.history import statements
from common.database.ids import LAST_ID, new_id
from common.database.session import Sessions, now, transact
from common.images.queries import PAGE
from common.predictions import Failure
from common.tables import Prediction, WebhookDelivery
from tests.support.http.accounts import Account, make_admin, make_ml, sign_up
from tests.support.http.calls_in_process import ask, call, status, upload
from tests.support.http.multipart_parts import parts
from tests.support.rows.databases import empty, migrate, opened
from tests.support.rows.prediction_steps import success, take, write
from tests.support.services.in_process import app as app


@pytest.fixture
def admin(app: Flask, sessions: Sessions) -> Account:
    return make_admin(sessions, sign_up(app))


def log(app: Flask, who: Account, query: str = "") -> Any:
    answer = call(app, "GET", f"/v1/predictions?{query}", who)
    assert answer.status_code == 200, answer.text
    return answer.get_json()


def ids(page: Any) -> list[str]:
    return [each["id"] for each in page["items"]]


def newest_first(*found: str) -> list[str]:
    return sorted(found, reverse=True)


def test_mine_are_listed_the_newest_first(app: Flask, anna: Account, ben: Account) -> None:
    image = upload(app, anna, query="name=a.png&visibility=public")["id"]
    mine = [ask(app, anna, image)["id"] for _ in range(3)]
    ask(app, ben, image)
    ask(app, None, image)
    found = log(app, anna)
    assert (ids(found), found["next"]) == (newest_first(*mine), None)
    shown = call(app, "GET", f"/v1/predictions/{mine[0]}", anna).get_json()
    entry = next(each for each in found["items"] if each["id"] == mine[0])
    assert entry == shown | {"user": anna.name, "file_name": "a.png", "queue": None}


def test_pages_follow_each_other(app: Flask, anna: Account) -> None:
    image = upload(app, anna)["id"]
    mine = newest_first(*(ask(app, anna, image)["id"] for _ in range(5)))
    for query in ("", "&status=queued", "&task=classify", f"&image_id={image}"):
        seen, page = [], log(app, anna, f"limit=2{query}")
        while page["next"]:
            seen += ids(page)
            page = log(app, anna, f"limit=2{query}&cursor={page['next']}")
        assert seen + ids(page) == mine, query


def test_they_are_chosen_by_status_task_and_image(
    app: Flask, sessions: Sessions, anna: Account
) -> None:
    image, other = upload(app, anna)["id"], upload(app, anna)["id"]
    done, failed = ask(app, anna, image)["id"], ask(app, anna, image)["id"]
    outline = ask(app, anna, other, task="outline")["id"]
    jobs = {str(job.id): job for job in take(sessions, [UUID(done), UUID(failed)]).jobs}
    write(sessions, success(jobs[done]), Failure(jobs[failed], "image_undecodable", "It is not."))
    wanted = {
        "status=succeeded": [done], "status=failed": [failed], "status=canceled": [],
        "task=outline": [outline], f"image_id={image}": newest_first(done, failed),
        f"image_id={image}&status=failed&task=classify": [failed],
        f"image_id={other}&status=failed": [], f"image_id={new_id()}": [],
    }  # fmt: skip
    for query, expected in wanted.items():
        assert ids(log(app, anna, query)) == expected, query
    [entry] = log(app, anna, "status=failed")["items"]
    assert entry["error"] == {"code": "image_undecodable", "detail": "It is not."}


def test_a_page_of_rare_ones_ends_where_it_has_looked_far_enough(
    app: Flask, sessions: Sessions, anna: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history, "EXAMINED", 3)
    statements.cache_clear()
    image = upload(app, anna)["id"]
    rare = ask(app, anna, image, task="outline")["id"]
    for _ in range(7):
        ask(app, anna, image)
    seen, pages, page = [], 1, log(app, anna, "task=outline")
    while page["next"]:
        seen += ids(page)
        page = log(app, anna, f"task=outline&cursor={page['next']}")
        pages += 1
    statements.cache_clear()
    assert seen + ids(page) == [rare]
    assert pages == 3


def test_admins_see_everybodys(app: Flask, anna: Account, ben: Account, admin: Account) -> None:
    rows = [ask(app, who, upload(app, who)["id"])["id"] for who in (anna, ben, None)]
    found = log(app, admin)
    assert set(ids(found)) == set(rows)
    names = {each["id"]: each["user"] for each in found["items"]}
    assert names == dict(zip(rows, (anna.name, ben.name, None), strict=True))
    assert ids(log(app, admin, f"user={ben.name.upper()}")) == [rows[1]]
    assert status(app, "GET", "/v1/predictions?user=nobody at all", admin) == 404


def test_others_see_their_own_alone(
    app: Flask, sessions: Sessions, anna: Account, ben: Account
) -> None:
    ask(app, anna, upload(app, anna)["id"])
    ml = make_ml(sessions, sign_up(app))
    for who in (ben, ml):
        assert log(app, who)["items"] == []
        refused = call(app, "GET", f"/v1/predictions?user={anna.name}", who)
        assert (refused.status_code, refused.get_json()["code"]) == (403, "admins_only")
    assert status(app, "GET", "/v1/predictions", None) == 401


def test_what_has_become_private_is_not_told_to_who_asked(
    app: Flask, anna: Account, ben: Account
) -> None:
    image = upload(app, anna, query="visibility=public")["id"]
    ask(app, ben, image)
    assert len(log(app, ben)["items"]) == 1
    call(app, "PATCH", f"/v1/images/{image}", anna, json={"visibility": "private"})
    assert log(app, ben)["items"] == []


def test_what_the_classifier_refused_is_in_the_log(
    app: Flask, anna: Account, admin: Account
) -> None:
    refused = call(app, "POST", "/predict", anna, **parts("file", "a.txt", b"a text"))
    assert refused.status_code == 415
    for who in (anna, admin):
        [entry] = log(app, who, "status=failed")["items"]
        assert (entry["user"], entry["file_name"]) == (anna.name, "a.txt")
        assert entry["error"]["code"] == "image_format_not_allowed"
        assert entry["image_id"] is None
    assert status(app, "POST", f"/v1/predictions/{entry['id']}/retry", anna) == 409


@pytest.mark.parametrize(
    "query", ["status=x", "task=x", "image_id=x", "limit=0", "limit=101", "cursor=x", "user="]
)
def test_what_cannot_be_chosen_by_is_refused(app: Flask, anna: Account, query: str) -> None:
    assert status(app, "GET", f"/v1/predictions?{query}", anna) == 422


def test_my_deliveries_are_listed(
    app: Flask, sessions: Sessions, anna: Account, ben: Account
) -> None:
    mine = []
    for who in (anna, ben, anna):
        webhook = "https://hooks.invalid/x"
        row = ask(app, who, upload(app, who)["id"], webhook=webhook)["id"]
        owed = {"prediction_id": UUID(row), "url": webhook, "state": "failed"}
        transact(sessions, partial(Session.execute, statement=insert(WebhookDelivery).values(owed)))
        mine += [row] if who is anna else []
    ask(app, anna, upload(app, anna)["id"])
    found = call(app, "GET", "/v1/webhooks/deliveries", anna).get_json()
    assert [each["prediction_id"] for each in found["items"]] == newest_first(*mine)
    first = call(app, "GET", "/v1/webhooks/deliveries?limit=1", anna).get_json()
    rest = call(app, "GET", f"/v1/webhooks/deliveries?cursor={first['next']}", anna).get_json()
    assert first["items"] + rest["items"] == found["items"]
    assert status(app, "GET", "/v1/webhooks/deliveries", None) == 401


# ---- what MariaDB or MySQL does with them


def fill(sessions: Sessions, owner: UUID, count: int) -> None:
    """Many rows of many owners, as they come in."""
    rows: list[dict[str, Any]] = [
        {
            "id": new_id(), "owner_id": owner if number % 50 == 0 else new_id(),
            "task": "classify", "params": {}, "state": "succeeded",
        }
        for number in range(count)
    ]  # fmt: skip
    entered = insert(Prediction).values(deadline_at=now())
    transact(sessions, lambda session: session.connection().execute(entered, rows))


def plan(sessions: Sessions, statement: Any, **given: Any) -> list[Any]:
    """What EXPLAIN says of the statement as it is sent."""
    sent: list[tuple[str, Any]] = []
    with sessions.read() as session:
        connection = session.connection()
        connection.exec_driver_sql("ANALYZE TABLE predictions, images")

        @event.listens_for(connection, "before_cursor_execute")
        def note(_connection: Any, _cursor: Any, sql: str, values: Any, *_rest: Any) -> None:
            sent.append((sql, values))

        connection.execute(statement, given)
        sql, values = sent[0]
        return list(connection.exec_driver_sql(f"EXPLAIN {sql}", values).mappings())


@pytest.mark.services
def test_lists_are_read_along_an_index(database_url: str, tmp_path: Any) -> None:
    migrate(database_url, tmp_path)
    with opened(database_url) as sessions:
        empty(sessions)
        owner = new_id()
        fill(sessions, owner, 3000)
        given = {"owner": owner, "before": LAST_ID, "limit": 21}
        more = {"status": "failed", "image": owner}
        for wanted, index in (
            ({"owner"}, "ix_predictions_owner_id"),
            ({"owner", "status"}, "ix_predictions_owner_id"),
            ({"image"}, "ix_predictions_image_task"),
            (set[str](), "PRIMARY"),
        ):
            rows = plan(sessions, statements(frozenset(wanted))[0], **given, **more)
            first = next(row for row in rows if row["table"] == "predictions")
            assert first["key"] == index, (wanted, rows)
            # The rows of one image are few; those of an owner may be any number.
            assert wanted == {"image"} or "filesort" not in str(first["Extra"]), (wanted, rows)
        rows = plan(sessions, PAGE, **given)
        first = next(row for row in rows if row["table"] == "images")
        assert first["key"] == "ix_images_owner_id"
        assert "filesort" not in str(first["Extra"]), rows
        empty(sessions)
