"""The message of a webhook: the prediction as GET returns it, signed as Standard Webhooks
defines.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session
from standardwebhooks import Webhook

from common.database.session import execute, now
from common.predictions import PredictionRecord
from common.predictions.public_view import full_view
from common.predictions.records import COLUMNS
from common.tables import Prediction
from common.webhooks.deliveries import Due
from common.webhooks.secrets import derived, valid_roots

AGENT = "Afterimage-Webhooks"


@dataclass(frozen=True, slots=True)
class Message:
    """A message to send; `secrets` is empty as long as the service has no root secret."""

    id: str
    moment: datetime  # the time of sending, by the database's clock
    text: str
    secrets: Sequence[str]


def compose(session: Session, due: Due, public_url: str) -> Message | None:
    """Return the message of a delivery; None if its prediction is not final because it is being
    retried.
    """
    statement = select(*COLUMNS, Prediction.webhook_secret, now()).where(
        Prediction.id == due.prediction_id
    )
    row: Any = execute(session, statement).one()
    *columns, own_secret, moment = row
    record = PredictionRecord(*columns)
    if not record.is_final or record.finished_at is None:
        return None
    roots = () if own_secret else valid_roots(session)
    secrets = [own_secret] if own_secret else [derived(root, record.owner_id) for root in roots]
    id = message_id(record.id, record.finished_at, due.created_at)
    return Message(id, moment, body_of(record, public_url), secrets)


def headers_of(message: Message) -> dict[str, str]:
    """Return the request's headers, with a signature by each of the message's secrets."""
    signatures = [
        Webhook(secret).sign(message.id, message.moment, message.text) for secret in message.secrets
    ]
    return {
        "Content-Type": "application/json",
        "User-Agent": AGENT,
        "webhook-id": message.id,
        "webhook-timestamp": str(int(message.moment.timestamp())),
        "webhook-signature": " ".join(signatures),
    }


def message_id(id: UUID, finished_at: datetime, first_owed_at: datetime) -> str:
    """Return the prediction's id, the same for every attempt. A retried prediction ends again, with
    another message, to whose id the time of its end in milliseconds is appended.
    """
    if finished_at <= first_owed_at:
        return str(id)
    return f"{id}_{round(finished_at.timestamp() * 1000)}"


def body_of(record: PredictionRecord, public_url: str) -> str:
    """Return the JSON text, with URLs only if PUBLIC_URL is set."""
    assert record.finished_at is not None
    data = {**full_view(record), "queue": None}
    if public_url:
        data["urls"] = _urls(record, public_url.rstrip("/"))
    payload = {
        "type": f"prediction.{record.state}",
        # the account that composed the message, in particular its `metadata`
        "account": record.owner_id,
        "timestamp": record.finished_at,
        "data": data,
    }
    return json.dumps(payload, ensure_ascii=False, separators=(",", ":"), default=_as_text)


def _urls(record: PredictionRecord, base: str) -> dict[str, str | None]:
    image = record.image_id
    return {
        "get": f"{base}/v1/predictions/{record.id}",
        "image": f"{base}/v1/images/{image}" if image else None,
        "cancel": None,
    }


def _as_text(value: Any) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)
