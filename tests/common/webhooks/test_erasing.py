"""Addresses and secrets of webhooks are erased when a delivery can no longer be repeated."""

from typing import Any

import pytest
from sqlalchemy import update

from common.database.session import Sessions, now, transact
from common.tables import WebhookDelivery
from common.webhooks import deliveries
from common.webhooks.erasing import erase_some
from tests.support.rows.prediction_steps import rewrite, row
from tests.support.webhooks.receivers import claimed, finished, owed

URL = "https://hooks.example/a"


def end(sessions: Sessions, due: Any, way: str) -> None:
    notes = {
        "delivered": lambda session: deliveries.note_delivered(session, due, 200),
        "failed": lambda session: deliveries.note_failed(session, due, 500, "no", None),
        "disabled": lambda session: deliveries.note_gone(session, due, 410),
    }
    assert transact(sessions, notes[way])


def pass_a_day(sessions: Sessions) -> None:
    aged = update(WebhookDelivery).where(WebhookDelivery.forget_at.isnot(None))
    transact(sessions, lambda session: session.execute(aged.values(forget_at=now(-1))))


@pytest.mark.parametrize("way", ["delivered", "failed", "disabled"])
def test_a_day_after_the_last_attempt_they_are_erased(
    sessions: Sessions, ask: Any, way: str
) -> None:
    [id] = finished(sessions, ask, URL)
    rewrite(sessions, [id], webhook_secret="whsec_x")
    [due] = claimed(sessions)
    end(sessions, due, way)
    assert transact(sessions, erase_some) == 0, "it may be sent again for a day"
    assert transact(sessions, lambda session: deliveries.redeliver(session, id))
    assert transact(sessions, erase_some) == 0
    [due] = claimed(sessions)
    end(sessions, due, way)
    pass_a_day(sessions)
    assert transact(sessions, erase_some) == 1
    prediction = row(sessions, id)
    assert (prediction.webhook_url, prediction.webhook_secret) == (None, None)
    assert (owed(sessions, id).url, owed(sessions, id).state) == (None, way)
    assert not transact(sessions, lambda session: deliveries.redeliver(session, id))
    assert transact(sessions, erase_some) == 0


def test_what_is_owed_keeps_its_address(sessions: Sessions, ask: Any) -> None:
    [id] = finished(sessions, ask, URL)
    [due] = claimed(sessions)
    assert transact(sessions, lambda session: deliveries.note_failed(session, due, 500, "no", 60))
    pass_a_day(sessions)
    assert transact(sessions, erase_some) == 0
    assert (row(sessions, id).webhook_url, owed(sessions, id).url) == (URL, URL)
