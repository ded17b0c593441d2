"""What a webhook says, by whom it is signed, and when it is another message."""

import json
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any

import pytest

from common.database.ids import new_id
from common.database.session import Sessions, now, read, transact
from common.predictions import Failure
from common.predictions.cancel import retry
from common.webhooks.receivers import check_secret
from common.webhooks.secrets import current_secret, derived, new_secret, rotate, valid_roots
from engine.webhooks.deliverer import Deliverer
from tests.support.http.calls import until
from tests.support.rows.prediction_steps import rewrite, take, write
from tests.support.webhooks.delivery import PATIENCE, QUICK, SETTINGS, delivering, settled
from tests.support.webhooks.delivery import sink as sink
from tests.support.webhooks.receivers import Sink, answer, finished, make_due, owed


def test_the_message_is_signed_and_says_what_the_row_says(
    sessions: Sessions, ask: Any, sink: Sink
) -> None:
    [id] = finished(sessions, ask, sink.url)
    with delivering(sessions):
        assert settled(sessions, [id]) == ["delivered"]
    [got] = sink.got
    [root] = read(sessions, valid_roots)
    with pytest.raises(Exception, match="signature"):
        got.verified(root)  # the root secret signs nothing by itself
    secret = transact(sessions, lambda session: current_secret(session, None))
    assert check_secret(secret)
    payload = got.verified(secret)
    assert got.id == str(id)
    assert got.headers["content-type"] == "application/json"
    assert got.headers["host"] == f"127.0.0.1:{sink.port}"
    assert payload.keys() == {"type", "timestamp", "account", "data"}
    assert payload["account"] is None
    assert payload["type"] == "prediction.succeeded"
    data = payload["data"]
    assert data.items() >= {"id": str(id), "status": "succeeded", "task": "classify"}.items()
    assert data["result"] == {"labels": ["é😀"], "id": str(id)}
    assert datetime.fromisoformat(payload["timestamp"]) == datetime.fromisoformat(
        data["finished_at"]
    )
    assert "urls" not in data, "without PUBLIC_URL nobody knows them"
    with pytest.raises(Exception, match="signature"):
        got.verified(new_secret())
    found = owed(sessions, id)
    assert (found.attempts, found.status_code, found.next_attempt_at) == (1, 204, None)
    assert found.delivered_at is not None


def test_addresses_are_told_where_the_service_knows_its_own(
    sessions: Sessions, ask: Any, sink: Sink
) -> None:
    [id] = finished(sessions, ask, sink.url)
    with delivering(sessions, settings=replace(SETTINGS, public_url="https://a.example/")):
        settled(sessions, [id])
    data = json.loads(sink.got[0].body)["data"]
    assert data["urls"] == {
        "get": f"https://a.example/v1/predictions/{id}",
        "image": f"https://a.example/v1/images/{data['image_id']}",
        "cancel": None,
    }


def test_a_failure_says_why(sessions: Sessions, ask: Any, sink: Sink) -> None:
    [id] = ask()
    rewrite(sessions, [id], webhook_url=sink.url)
    write(sessions, Failure(take(sessions, [id]).jobs[0], "image_undecodable", "No."))
    with delivering(sessions):
        settled(sessions, [id])
    payload = json.loads(sink.got[0].body)
    assert payload["type"] == "prediction.failed"
    assert payload["data"]["error"] == {"code": "image_undecodable", "detail": "No."}


def test_the_callers_own_secret_signs_instead_of_the_services(
    sessions: Sessions, ask: Any, sink: Sink
) -> None:
    own = new_secret()
    ids = finished(sessions, ask, sink.url, secret=own)
    with delivering(sessions):
        settled(sessions, ids)
    assert sink.got[0].verified(own)
    assert " " not in sink.got[0].headers["webhook-signature"]
    assert read(sessions, valid_roots) == [], "the service needed none yet"


def test_an_account_has_a_secret_of_its_own(sessions: Sessions, ask: Any, sink: Sink) -> None:
    anna, ben = new_id(), new_id()
    ids = finished(sessions, ask, sink.url)
    rewrite(sessions, ids, owner_id=anna)
    with delivering(sessions):
        settled(sessions, ids)
    [got] = sink.got
    assert json.loads(got.body)["account"] == str(anna)
    assert got.verified(transact(sessions, lambda session: current_secret(session, anna)))
    for other in (ben, None):
        secret = transact(sessions, partial(current_secret, owner_id=other))
        with pytest.raises(Exception, match="signature"):
            got.verified(secret)


def test_while_a_secret_is_replaced_both_sign(sessions: Sessions, ask: Any, sink: Sink) -> None:
    roots = transact(sessions, rotate), transact(sessions, rotate)
    former, current = (derived(root, None) for root in roots)
    ids = finished(sessions, ask, sink.url)
    with delivering(sessions):
        settled(sessions, ids)
    assert sink.got[0].verified(former)
    assert sink.got[0].verified(current)


def test_a_retried_prediction_is_another_message(sessions: Sessions, ask: Any, sink: Sink) -> None:
    [id] = ask()
    rewrite(sessions, [id], webhook_url=sink.url)
    write(sessions, Failure(take(sessions, [id]).jobs[0], "image_undecodable", "No."))
    with delivering(sessions, replace(QUICK, put_off=0.1)):
        settled(sessions, [id])
        transact(sessions, lambda session: retry(session, id, 60))
        make_due(sessions, [id])
        rewrite(sessions, [id], next_attempt_at=now(-1))
        sink.script = [answer(500)]
        write(sessions, Failure(take(sessions, [id]).jobs[0], "image_undecodable", "No."))
        until(lambda: len(sink.ids()) == 3, PATIENCE, "a second message, at two attempts")
        settled(sessions, [id])
    first, second, again = sink.ids()
    assert first == str(id)
    assert second == again, "the same at every attempt"
    assert second.startswith(f"{id}_")
    assert "." not in second, "the signature's separator"


def test_while_a_prediction_is_being_retried_nothing_is_told(
    sessions: Sessions, ask: Any, sink: Sink
) -> None:
    [id] = finished(sessions, ask, sink.url)
    rewrite(sessions, [id], state="queued", finished_at=None)
    deliverer = Deliverer(sessions, SETTINGS, QUICK)
    assert deliverer.turn() == 1
    until(lambda: not deliverer.under_way(), PATIENCE, "the attempt to be put off")
    found = owed(sessions, id)
    assert (sink.got, found.state, found.attempts) == ([], "pending", 0)
    assert deliverer.turn() == 0
