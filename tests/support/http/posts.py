"""Posts as clients make them, on an application in the test's process."""

from io import BytesIO
from typing import Any
from uuid import UUID

from flask import Flask

from common.database.session import Sessions
from common.predictions import Success
from tests.support.http.accounts import Account
from tests.support.http.calls_in_process import call, photo
from tests.support.rows.prediction_steps import MODEL, take, write

NASTY = "<script>alert(1)</script>\r\n\"é😀\" & 'so on'\t{{ 7 * 7 }}"
FOUND: dict[str, dict[str, Any]] = {
    "classify": {"labels": [{"name": "<b>cat</b>", "score": 0.625}], "top_k": 5},
    "caption": {"text": "A <i>cat</i>.", "source": "labels"},
}


def post(app: Flask, who: Account, text: str = "Hello", **more: Any) -> dict[str, Any]:
    """A new post with an image of its own, as it was answered."""
    form = {"text": text, "file": (BytesIO(photo()), "a.png"), **more}
    answer = call(app, "POST", "/v1/posts", who, data=form)
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.get_json()
    return found


def link(app: Flask, who: Account, post: str, **body: Any) -> dict[str, Any]:
    """A new share link to the post."""
    options = {"json": body} if body else {}
    answer = call(app, "POST", f"/v1/posts/{post}/share-links", who, **options)
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.get_json()
    return found


def slug_of(link: dict[str, Any]) -> str:
    """What stands behind /s/."""
    return str(link["url"]).rpartition("/")[2]


def pages(app: Flask, path: str, who: Account | None = None, limit: int = 2) -> list[Any]:
    """All items of a list, page by page, by the addresses of its Link headers."""
    items: list[Any] = []
    address: str | None = f"{path}{'&' if '?' in path else '?'}limit={limit}"
    while address:
        answer = call(app, "GET", address, who)
        assert answer.status_code == 200, answer.text
        body = answer.get_json()
        assert len(body["items"]) <= limit
        items += body["items"]
        found = answer.headers.get("Link", "")
        assert bool(found) == bool(body["next"])
        assert not found or found.endswith('>; rel="next"')
        address = found.partition(">")[0].removeprefix("<http://localhost") or None
    return items


def answer_all(sessions: Sessions, made: dict[str, Any]) -> None:
    """Take the engine's part."""
    ids = {UUID(row["id"]): row["task"] for row in made["predictions"]}
    for job in take(sessions, list(ids)).jobs:
        write(sessions, Success(job, FOUND[ids[job.id]], MODEL, {"predict": 0.25}))
