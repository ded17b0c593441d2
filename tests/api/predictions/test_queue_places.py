"""Places in the queue and the promise of it, over HTTP, on the served stack without an engine."""

import time
from pathlib import Path
from uuid import UUID

import requests

from common.database.session import Sessions, now
from tests.support.http.calls import get, post, until
from tests.support.rows.prediction_steps import rewrite
from tests.support.services.idle_stack import ask, held, history, photo, verb
from tests.support.services.idle_stack import idle as idle
from tests.support.services.idle_stack import sessions as sessions
from tests.support.services.served import Stack, served


def test_places_are_shown_while_it_is_queued(idle: Stack, sessions: Sessions) -> None:
    answers = [ask(idle.base_url) for _ in range(3)]
    shown = [answer.json() for answer in answers]
    assert [each["queue"] for each in shown] == [
        {"position": place, "seconds": None} for place in (1, 2, 3)
    ], "nobody has seen an engine work"
    assert {answer.headers["Retry-After"] for answer in answers} == {"1"}
    looked = [get(each["urls"]["get"]).json()["queue"] for each in shown]
    assert [each["position"] for each in looked] == [1, 2, 3]
    verb(idle.base_url, shown[0]["id"], "cancel")
    held(sessions, shown[1]["id"])
    last = shown[2]["urls"]["get"]
    until(lambda: get(last).json()["queue"]["position"] == 1, 10, "the first place")


def test_the_wait_is_told_from_what_engines_have_done(idle: Stack, sessions: Sessions) -> None:
    history(idle, sessions, count=10, seconds=5)
    ids = [ask(idle.base_url).json()["id"] for _ in range(20)]
    rewrite(sessions, [UUID(id) for id in ids], created_at=now())
    time.sleep(1.1)
    answer = ask(idle.base_url)
    place = answer.json()["queue"]
    # Two a second, while there was work; since then a few seconds may have gone by without any.
    assert place["position"] == 21
    assert 10 <= place["seconds"] <= 60
    assert abs(int(answer.headers["Retry-After"]) - place["seconds"]) <= 1
    look = get(answer.json()["urls"]["get"])
    assert look.status_code == 200
    assert look.json()["queue"]["position"] == 21
    assert int(look.headers["Retry-After"]) >= 10


def test_a_broken_promise_is_said_before_anything_is_stored(
    idle: Stack, sessions: Sessions, database_url: str, broker_url: str, tmp_path: Path
) -> None:
    storage = f"file://{idle.folder}/objects"
    promise = {"QUEUE_PROMISE_SECONDS": "5"}
    with served(tmp_path, database_url, broker_url, storage, engine=False, **promise) as strict:
        first = UUID(ask(strict.base_url).json()["id"])
        second = ask(strict.base_url)
        assert second.status_code == 202, "nobody has waited for long"
        rewrite(sessions, [first], created_at=now(-60))
        time.sleep(1.1)
        refused(strict, idle.folder / "objects", range(5, 6))
        history(idle, sessions, count=10, seconds=1)
        rewrite(sessions, [first, UUID(second.json()["id"])], created_at=now())
        time.sleep(1.1)
        assert ask(strict.base_url).status_code == 202, "it moves"
        rewrite(sessions, [first], created_at=now(-60))
        time.sleep(1.1)
        refused(strict, idle.folder / "objects", range(5, 301))
        stored = post(f"{strict.base_url}/v1/images", files={"file": ("a.png", photo())})
        assert stored.status_code == 201, "nothing is asked of it"
        about = {"task": "classify", "image_id": stored.json()["id"]}
        asked = requests.post(f"{strict.base_url}/v1/predictions", json=about, timeout=30)
        assert (asked.status_code, asked.json()["code"]) == (503, "queue_full")
        sent = {"data": {"task": "classify"}, "files": {"file": ("a.png", photo())}}
        other = post(f"{strict.base_url}/v1/predictions?wait=1", **sent)
        assert other.status_code == 202, "the interactive queue is another"


def refused(strict: Stack, objects: Path, retry_after: range) -> None:
    before = stored_files(objects)
    for path in ("/v1/predictions?task=classify", "/v1/images?tasks=classify"):
        kind = {"Content-Type": "image/png"}
        answer = requests.post(strict.base_url + path, photo(), headers=kind, timeout=30)
        assert (answer.status_code, answer.json()["code"]) == (503, "queue_full"), path
        assert int(answer.headers["Retry-After"]) in retry_after
    assert stored_files(objects) == before


def stored_files(folder: Path) -> set[Path]:
    return {path for path in folder.rglob("*") if path.is_file()}
