"""Who may do what, a line a route: what its owner, another user, one of the ML team, an admin and
an anonymous caller are answered.

What somebody else must not know of is a 404, never a 403. A thing is made anew by its owner for
each request; `{name}` in a line stands for what the thing's function returns. Images are private.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from flask import Flask

from common.database.ids import parse_id
from common.database.session import Sessions, transact
from common.storage import object_key
from common.tables import WebhookDelivery
from common.tasks.thumbnail import thumbnail_keys
from tests.support.http import admin
from tests.support.http.accounts import PASSWORD, Account, log_in, make_admin, make_ml, sign_up
from tests.support.http.calls_in_process import ask, call, photo, status, upload
from tests.support.http.posts import link, post, slug_of
from tests.support.images.pictures import encode, picture
from tests.support.rows import feedback

CALLERS = ("owner", "other", "ml", "admin", "anonymous")
PNG = encode(picture(), "PNG")
MARK = "only-its-owner-reads-this"  # in all that the owner tells nobody else
_numbers = count(1)


@dataclass
class World:
    """The application, and who is in it."""

    app: Flask
    sessions: Sessions
    people: dict[str, Account | None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        # "admin" itself is a reserved name.
        found = {name: sign_up(self.app, f"the {name}") for name in CALLERS[:-1]}
        make_ml(self.sessions, found["ml"])
        make_admin(self.sessions, found["admin"])
        self.people = {**found, "anonymous": None}

    @property
    def owner(self) -> Account:
        """Whose the things are."""
        owner = self.people["owner"]
        assert owner
        return owner


Thing = Callable[[World], dict[str, Any]]


def nothing(_world: World) -> dict[str, Any]:
    return {}


def newcomer(_world: World) -> dict[str, Any]:
    return {"new": f"new-{next(_numbers)}"}


def owner(world: World) -> dict[str, Any]:
    return {"name": world.owner.name, "password": PASSWORD}


def image(world: World) -> dict[str, Any]:
    return {"id": upload(world.app, world.owner)["id"]}


def thumbnailed(world: World) -> dict[str, Any]:
    """An image with its thumbnails, which no engine is there to make."""
    data = photo()
    made = upload(world.app, world.owner, data)
    storage = world.app.extensions["afterimage"].services.storage
    for key in thumbnail_keys(bytes.fromhex(made["sha256"])):
        storage.put(key, PNG)
    assert storage.get(object_key(bytes.fromhex(made["sha256"]))) == data
    return {"id": made["id"]}


def account(world: World) -> dict[str, Any]:
    """An account like any other."""
    return {"id": sign_up(world.app, newcomer(world)["new"]).id}


def prediction(world: World) -> dict[str, Any]:
    asked = ask(world.app, world.owner, image(world)["id"], metadata={"mark": MARK})
    return {"id": asked["id"]}


def outline(world: World) -> dict[str, Any]:
    """A prediction of outlines."""
    about = {"task": "outline", "metadata": {"mark": MARK}}
    return {"id": ask(world.app, world.owner, image(world)["id"], **about)["id"]}


def delivery(world: World) -> dict[str, Any]:
    """A prediction that owes somebody a webhook."""
    found = prediction(world)
    row = {
        "prediction_id": parse_id(found["id"]),
        "url": f"https://{MARK}.example/",
        "state": "failed",
    }
    transact(world.sessions, lambda session: session.add(WebhookDelivery(**row)))
    return {"prediction_id": found["id"]}


def searched(world: World) -> dict[str, Any]:
    """A search of the owner's."""
    return {"id": str(feedback.searched(world.sessions, "cat", [], owner_id=world.owner.id))}


def batch(world: World) -> dict[str, Any]:
    items = [{"custom_id": MARK, "task": "classify", "image_id": image(world)["id"]}]
    sent = call(world.app, "POST", "/v1/batches", world.owner, json={"items": items})
    return {"id": sent.get_json()["id"]}


def key(world: World) -> dict[str, Any]:
    sent = call(world.app, "POST", "/v1/keys", world.owner, json={"name": MARK})
    return {"id": sent.get_json()["id"]}


def posted(world: World) -> dict[str, Any]:
    made = post(world.app, world.owner)
    ask(world.app, world.owner, made["image"]["id"], metadata={"mark": MARK})
    return {"id": made["id"]}


def public(world: World) -> dict[str, Any]:
    """An image for everyone, with a prediction of the owner's."""
    id = upload(world.app, world.owner, query="visibility=public")["id"]
    asked = ask(world.app, world.owner, id, metadata={"mark": MARK})
    return {"id": id, "prediction": asked["id"]}


def linked(world: World) -> dict[str, Any]:
    """A post with a share link."""
    id = posted(world)["id"]
    made = link(world.app, world.owner, id)
    return {"id": id, "link_id": made["id"], "slug": slug_of(made)}


@dataclass(frozen=True)
class Row:
    """A route, the thing that it is about, and the status that each of CALLERS gets."""

    route: str
    thing: Thing
    statuses: tuple[int, ...]
    query: str = ""
    new_login: bool = False  # the request ends the log-in that it is sent with
    in_session: bool = False  # it is one of the admin pages'
    options: Mapping[str, Any] = field(default_factory=dict)

    def body(self, world: World, caller: str) -> str:
        """The text that the caller gets, where it is no admin page."""
        about = self.thing(world)
        method, rule = self.route.split()
        path = rule.replace("<path:", "<").replace("<", "{").replace(">", "}").format(**about)
        sent = filled(self.options, about)
        path += self.query.format(**about)
        data: bytes = call(world.app, method, path, world.people[caller], **sent).data
        return data.decode("utf-8", "replace")

    def ask(self, world: World, caller: str) -> int:
        """The status that the caller gets."""
        about = self.thing(world)
        method, rule = self.route.split()
        path = rule.replace("<path:", "<").replace("<", "{").replace(">", "}").format(**about)
        query = self.query.format(**about)
        who = world.people[caller]
        if self.in_session:
            form = filled(self.options, about)
            name = who.name if who else None
            return admin.status(world.app, name, method, path + query, form)
        if who and self.new_login:
            who = Account(who.id, who.name, log_in(world.app, who.name))
        sent = filled(self.options, about)
        return status(world.app, method, path + query, who, **sent)


def filled(value: Any, about: Mapping[str, Any]) -> Any:
    """The value with what stands in braces in its texts filled in."""
    if isinstance(value, str):
        return value.format(**about)
    if isinstance(value, Mapping):
        return {name: filled(each, about) for name, each in value.items()}
    return [filled(each, about) for each in value] if isinstance(value, list) else value


def row(route: str, thing: Thing, *statuses: int, query: str = "", **options: Any) -> Row:
    """A line of the table; `options` are those of Werkzeug's test client."""
    new_login = options.pop("new_login", False)
    return Row(route, thing, statuses, query, new_login, options=options)


def everybody(route: str, status: int = 200, thing: Thing = nothing, **options: Any) -> Row:
    """A route that asks nobody who they are."""
    return row(route, thing, *[status] * len(CALLERS), **options)


def logged_in(route: str, status: int = 200, thing: Thing = nothing, **options: Any) -> Row:
    """A route that needs a log-in and acts on the caller's own data."""
    return row(route, thing, *[status] * 4, 401, **options)


def admins(route: str, status: int = 200, thing: Thing = nothing, **options: Any) -> Row:
    """A route for admins alone."""
    return row(route, thing, 403, 403, 403, status, 401, **options)


def admin_page(route: str, status: int = 200, thing: Thing = nothing, **form: Any) -> Row:
    """A page for admins who have logged in to the pages; who has not is sent to do so."""
    statuses = (403, 403, 403, status, 302)
    return Row(route, thing, statuses, form.pop("query", ""), in_session=True, options=form)


def ml_team(route: str, status: int = 200, thing: Thing = nothing, **options: Any) -> Row:
    """A route for the ML team, of which admins are."""
    return row(route, thing, 403, 403, status, status, 401, **options)
