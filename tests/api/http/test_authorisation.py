"""Every route for every kind of caller: the table is complete, and it is what happens."""

import base64
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask

from tests.support.http.accounts import PASSWORD
from tests.support.http.authorisation import (
    CALLERS,
    MARK,
    PNG,
    Row,
    World,
    account,
    admin_page,
    admins,
    batch,
    delivery,
    everybody,
    image,
    key,
    linked,
    logged_in,
    ml_team,
    newcomer,
    nothing,
    outline,
    owner,
    posted,
    prediction,
    public,
    row,
    searched,
    thumbnailed,
)
from tests.support.http.raw import MULTIPART, file, multipart
from tests.support.rows.databases import migrate, opened
from tests.support.services.in_process import application

RAW: dict[str, Any] = {"data": PNG, "content_type": "image/png"}
BASE64 = {"name": "x", "data": base64.b64encode(PNG).decode()}
OUTLINE: dict[str, Any] = {
    "data": multipart(file(PNG, "image")),
    "content_type": MULTIPART["Content-Type"],
}
# fmt: off
TABLE = [
    # the route, what it is about                                  owner other ml  admin anonymous
    everybody("GET /"),
    everybody("GET /healthz"),
    everybody("GET /readyz", 503),  # no engine
    everybody("GET /metrics"),
    everybody("GET /openapi.json"),
    everybody("GET /doc"),
    everybody("GET /docs"),
    everybody("GET /gallery"),
    everybody("GET /docs/assets/<path:name>", thing=lambda _: {"name": "swagger-ui.css"}),
    everybody("GET /static/<path:filename>", thing=lambda _: {"filename": "icon.svg"}),
    everybody("GET /v1/tasks"),
    everybody("GET /v1/models"),
    everybody("GET /v1/counter", query="?digit=7&n=1000"),
    everybody("GET /api/counter", query="?digit=7&n=1000"),

    # Searches that cannot be: no engine is there to answer others. Whose images they find, their
    # own tests tell.
    everybody("GET /v1/search", 422),
    everybody("GET /api/search", 422),
    everybody("POST /v1/images/similar", 422, json={}),
    row("GET /v1/images/<id>/similar", image,                      422, 404, 404, 422, 404,
        query="?cursor=x"),
    row("GET /v1/images/<id>/duplicates", image,                   422, 404, 404, 422, 404,
        query="?cursor=x"),
    logged_in("GET /v1/duplicates"),
    row("POST /v1/feedback", searched,                             200, 404, 404, 200, 404,
        json={"search_id": "{id}", "clicks": ["x"]}),
    ml_team("GET /v1/feedback"),
    ml_team("GET /v1/analytics/queries"),
    ml_team("GET /v1/analytics/misses"),
    ml_team("GET /v1/analytics/feedback"),
    everybody("POST /api/feedback", json={"feedback": []}),
    ml_team("GET /api/analytics"),

    everybody("POST /token", thing=owner, data={"username": "{name}", "password": "{password}"}),
    everybody("POST /v1/token/refresh", 401, json={"refresh_token": "x"}),
    logged_in("DELETE /v1/token", 204, new_login=True),
    everybody("POST /v1/users", 201, newcomer,
              json={"name": "{new}", "email": "{new}@example.org", "password": PASSWORD}),
    everybody("GET /v1/users/<name>", thing=owner),
    logged_in("GET /v1/users/me"),
    logged_in("PATCH /v1/users/me", json={}),
    logged_in("DELETE /v1/users/me", 422, json={"password": "wrong"}),
    logged_in("GET /v1/users/me/logins"),
    logged_in("DELETE /v1/users/me/logins/<id>", 404, key),
    logged_in("GET /v1/keys"),
    logged_in("POST /v1/keys", 201, json={"name": "x"}),
    row("DELETE /v1/keys/<id>", key,                               204, 404, 404, 404, 401),

    row("POST /v1/images", nothing,                                201, 201, 201, 201, 201, **RAW),
    logged_in("GET /v1/images"),
    logged_in("POST /v1/images/check", json={"sha256": ["00" * 32]}),
    row("PATCH /v1/images/<id>", image,                            200, 404, 404, 200, 401,
        json={"visibility": "public"}),
    row("DELETE /v1/images/<id>", image,                           204, 404, 404, 204, 401),
    row("GET /v1/images/<id>", image,                              200, 404, 404, 200, 404),
    row("GET /v1/images/<id>/content", image,                      200, 404, 404, 200, 404),
    row("GET /v1/images/<id>/thumbnail", thumbnailed,              200, 404, 404, 200, 404),
    row("GET /v1/images/<id>/preview", thumbnailed,                200, 404, 404, 200, 404),

    row("POST /v1/predictions", image,                             202, 422, 422, 202, 422,
        json={"task": "classify", "image_id": "{id}"}),
    logged_in("GET /v1/predictions"),
    row("GET /v1/predictions/<id>", prediction,                    200, 404, 404, 200, 404),
    row("POST /v1/predictions/<id>/cancel", prediction,            200, 404, 404, 200, 404),
    row("POST /v1/predictions/<id>/retry", prediction,             202, 404, 404, 202, 404),
    everybody("POST /v1/batches", 202,
              json={"items": [{"custom_id": "1", "task": "classify", "image_id": "x"}]}),
    row("GET /v1/batches/<id>", batch,                             200, 404, 404, 200, 404),
    row("GET /v1/batches/<id>/items", batch,                       200, 404, 404, 200, 404),
    row("GET /v1/batches/<id>/results", batch,                     200, 404, 404, 200, 404),
    row("POST /v1/batches/<id>/cancel", batch,                     200, 404, 404, 200, 404),
    row("POST /v1/batches/<id>/retry", batch,                      200, 404, 404, 200, 404),

    row("POST /v1/posts", image,                                   201, 422, 422, 422, 401,
        json={"text": "x", "image_id": "{id}"}),
    everybody("GET /v1/posts"),
    logged_in("GET /v1/feed"),
    everybody("GET /v1/posts/<id>", thing=posted),
    row("PATCH /v1/posts/<id>", posted,                            200, 404, 404, 200, 401,
        json={"text": "y"}),
    row("DELETE /v1/posts/<id>", posted,                           204, 404, 404, 204, 401),
    logged_in("PUT /v1/posts/<id>/like", 204, posted),
    logged_in("DELETE /v1/posts/<id>/like", 204, posted),
    row("PUT /v1/users/<name>/follow", owner,                      422, 204, 204, 204, 401),
    logged_in("DELETE /v1/users/<name>/follow", 204, owner),
    everybody("GET /v1/users/<name>/followers", thing=owner),
    everybody("GET /v1/users/<name>/following", thing=owner),
    row("POST /v1/posts/<id>/share-links", posted,                 201, 404, 404, 201, 401),
    row("GET /v1/posts/<id>/share-links", linked,                  200, 404, 404, 200, 401),
    row("DELETE /v1/posts/<id>/share-links/<link_id>", linked,     204, 404, 404, 204, 401),
    everybody("GET /s/<slug>", thing=linked),

    row("GET /v1/webhooks/deliveries", delivery,                   200, 404, 404, 200, 404,
        query="?prediction_id={prediction_id}"),
    row("POST /v1/webhooks/deliveries/<prediction_id>/redeliver", delivery,
                                                                   202, 404, 404, 202, 404),
    admins("POST /v1/webhooks/rotate-secret"),
    logged_in("GET /v1/webhooks/secret"),

    everybody("GET /admin/login"),
    everybody("POST /admin/login", 400, data={"username": "x", "password": "x"}),  # no token
    Row("POST /admin/logout", nothing, (303,) * 5, in_session=True),
    admin_page("GET /admin"),
    admin_page("GET /admin/users"),
    admin_page("GET /admin/users/details", 200, account, query="?id={id}"),
    admin_page("POST /admin/users/action", 302, account, action="ml", rowid="{id}"),
    admin_page("GET /admin/images"),
    admin_page("GET /admin/images/details", 200, image, query="?id={id}"),
    admin_page("GET /admin/images/thumbnail", 200, thumbnailed, query="?id={id}"),
    admin_page("POST /admin/images/action", 302, image, action="public", rowid="{id}"),
    admin_page("GET /admin/predictions"),
    admin_page("GET /admin/predictions/details", 200, prediction, query="?id={id}"),
    admin_page("POST /admin/predictions/action", 302, prediction, action="retry", rowid="{id}"),
    admin_page("GET /admin/posts"),
    admin_page("GET /admin/posts/details", 200, posted, query="?id={id}"),
    admin_page("POST /admin/posts/action", 302, posted, action="delete", rowid="{id}"),
    admin_page("GET /admin/feedback"),
    admin_page("GET /admin/feedback/details", 404, query="?id=x"),
    admin_page("GET /admin/models"),

    logged_in("POST /predict", 422, **OUTLINE),  # its image is not named `file`
    everybody("POST /inference/image", json=BASE64),
    row("GET /predictions/<id>", prediction,                       200, 404, 404, 200, 404),
    everybody("POST /image/outline/objects", **OUTLINE),
    row("GET /outline/objects/check/<id>", outline,                200, 404, 404, 200, 404),
]
# fmt: on


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("authorisation")
    url = f"sqlite:///{folder / 'test.db'}"
    migrate(url, folder)
    with opened(url) as sessions, application(sessions, folder) as app:
        yield World(app, sessions)


def routes(app: Flask) -> set[str]:
    return {
        f"{method} {str(rule).rstrip('/') or '/'}"
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }


def test_every_route_has_its_line(world: World) -> None:
    known = [each.route for each in TABLE]
    assert len(known) == len(set(known))
    assert set(known) == routes(world.app)


# The same, of an image that everyone may see: who gets the body does not get all of it.
PUBLIC = [
    row("GET /v1/images/<id>", public, 200, 200, 200, 200, 200),
    row("GET /v1/predictions/<prediction>", public, 200, 200, 200, 200, 200),
    row("GET /v1/predictions", public, 200, 200, 200, 200, 200, query="?image_id={id}"),
    row("PATCH /v1/images/<id>", public, 200, 404, 404, 200, 401, json={"file_name": "x.png"}),
]
READS = [line for line in TABLE if line.route.startswith("GET ") and not line.in_session]


@pytest.mark.parametrize("line", [*READS, *PUBLIC], ids=lambda line: line.route)
def test_no_body_tells_what_only_its_owner_may_read(world: World, line: Row) -> None:
    for caller in ("other", "ml", "anonymous"):
        body = line.body(world, caller)
        assert MARK not in body, caller
        assert f"{world.owner.name}@example.org" not in body, caller


def test_its_owner_reads_it(world: World) -> None:
    told = {line.route for line in (*READS, *PUBLIC) if MARK in line.body(world, "owner")}
    assert told >= {
        "GET /v1/images/<id>", "GET /v1/predictions/<prediction>", "GET /v1/predictions/<id>",
        "PATCH /v1/images/<id>", "GET /v1/predictions",
        "GET /v1/batches/<id>/items", "GET /v1/batches/<id>/results",
    }  # fmt: skip


@pytest.mark.parametrize("line", PUBLIC, ids=lambda line: line.route)
def test_public_things_have_the_same_statuses(world: World, line: Row) -> None:
    found = {caller: line.ask(world, caller) for caller in CALLERS}
    assert found == dict(zip(CALLERS, line.statuses, strict=True))


@pytest.mark.parametrize("line", TABLE, ids=lambda line: line.route)
def test_everybody_gets_what_is_theirs(world: World, line: Row) -> None:
    assert len(line.statuses) == len(CALLERS)
    found = {caller: line.ask(world, caller) for caller in CALLERS}
    assert found == dict(zip(CALLERS, line.statuses, strict=True))
