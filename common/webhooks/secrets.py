"""The service's signing secrets: one at a time, and two while one is being replaced."""

import base64
import secrets
from uuid import UUID

from sqlalchemy import delete, insert, or_, select, update
from sqlalchemy.orm import Session

from common.db import execute, insert_missing, now
from common.ids import new_id
from common.tables import WebhookSecret
from common.webhooks.receivers import PREFIX

OVERLAP = 24 * 3600  # seconds that a replaced secret still signs
KEY_BYTES = 32
FIRST = UUID(int=1)  # so that of many who make the first one at once, one does
S = WebhookSecret
VALID = (
    select(S.secret)
    .where(or_(S.retires_at.is_(None), S.retires_at > now()))
    .order_by(S.retires_at.isnot(None), S.id.desc())
)


def new_secret() -> str:
    """A secret in the form of Standard Webhooks."""
    return PREFIX + base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode()


def valid_secrets(session: Session) -> list[str]:
    """All that sign, the current one first; empty before the first was made."""
    return list(execute(session, VALID).scalars())


def ensure_secret(session: Session) -> list[str]:
    """All that sign; the first one is made if there is none."""
    if found := valid_secrets(session):
        return found
    execute(session, insert_missing(S).values(id=FIRST, secret=new_secret()))
    return valid_secrets(session)


def rotate(session: Session) -> str:
    """A new secret. The former still signs beside it for OVERLAP seconds."""
    secret, id = new_secret(), new_id()
    execute(session, delete(S).where(S.retires_at <= now()))
    execute(session, insert(S).values(id=id, secret=secret))
    former = update(S).where(S.id != id, S.retires_at.is_(None))
    execute(session, former.values(retires_at=now(OVERLAP)))
    return secret
