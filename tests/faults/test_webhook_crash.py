"""A crash after a webhook was sent, before that is noted: it is sent again under the same id."""

from pathlib import Path
from uuid import UUID

import requests
from sqlalchemy import select, update

from common.database.session import now, read, transact
from common.tables import WebhookDelivery
from tests.faults.clients import base_picture, stamped
from tests.faults.crashing import CODE, WEBHOOK_POINT
from tests.faults.stack import FaultStack
from tests.support.http.calls import finished, until
from tests.support.webhooks.receivers import sinking

ALLOWED = {"WEBHOOK_ALLOWED_NETWORKS": "127.0.0.0/8"}


def test_a_webhook_sent_and_not_noted_is_sent_again_with_its_id(
    stack: FaultStack, tmp_path: Path
) -> None:
    stack.stop_engines()
    stack.apis[0].stop()
    stack.start_api(0, **ALLOWED)
    fired = tmp_path / "fired"
    engine = stack.start_engine(0, WEBHOOK_POINT, CRASH_FIRED=str(fired), **ALLOWED)
    with sinking() as sink:
        answer = requests.post(
            f"{stack.urls[0]}/v1/predictions",
            params={"task": "classify", "webhook": f"{sink.url}/here"},
            data=stamped(base_picture(3), b"webhook"),
            headers={"Content-Type": "image/jpeg"},
            timeout=30,
        )
        assert answer.status_code == 202, answer.text
        id = answer.json()["id"]
        assert engine.process.wait(60) == CODE
        assert fired.exists()
        # Its lease, which is moved here, keeps others from sending it at the same time.
        due = update(WebhookDelivery).values(next_attempt_at=now(-1))
        transact(stack.sessions, lambda session: session.execute(due))
        stack.start_engine(0, **ALLOWED)
        until(lambda: len(sink.ids()) >= 2, 60, "the webhook's second coming")
        until(lambda: state_of(stack, id) == "delivered", 30, "the delivery to be noted")
        assert len(sink.ids()) == 2
        assert len(set(sink.ids())) == 1, "the receiver can tell that it is the same"
    assert finished(stack.urls[0], [id], seconds=30)[id]["attempts"] == 1


def state_of(stack: FaultStack, id: str) -> str | None:
    query = select(WebhookDelivery.state).where(WebhookDelivery.prediction_id == UUID(id))
    return read(stack.sessions, lambda session: session.scalar(query))
