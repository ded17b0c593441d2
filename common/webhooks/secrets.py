"""The signing secrets of webhooks.

The service stores one root secret, and two while one is being replaced. No message is signed with a
root secret: each account has a secret derived from it, and all anonymous callers share another one.
A receiver that trusts an account's secret therefore never accepts a message that another caller
composed.
"""

import base64
import hmac
import secrets
from uuid import UUID

from sqlalchemy import delete, insert, or_, select, update
from sqlalchemy.orm import Session

from common.database.ids import new_id
from common.database.session import execute, insert_missing, now
from common.tables import WebhookSecret
from common.webhooks.receivers import PREFIX

OVERLAP = 24 * 3600  # seconds that a replaced secret still signs
KEY_BYTES = 32
FIRST = UUID(int=1)  # a fixed id, so that only one of several concurrent inserts succeeds
S = WebhookSecret
VALID = (
    select(S.secret)
    .where(or_(S.retires_at.is_(None), S.retires_at > now()))
    .order_by(S.retires_at.isnot(None), S.id.desc())
)


def new_secret() -> str:
    """Return a new secret in the form of Standard Webhooks."""
    return PREFIX + base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode()


def derived(root: str, owner_id: UUID | None) -> str:
    """Return the secret that signs the webhooks of an account, or of anonymous callers (None): an
    HMAC-SHA256 of the caller, keyed by the root secret.
    """
    key = base64.b64decode(root.removeprefix(PREFIX))
    who = b"anonymous" if owner_id is None else b"account " + owner_id.bytes
    return PREFIX + base64.b64encode(hmac.digest(key, b"webhooks of " + who, "sha256")).decode()


def valid_roots(session: Session) -> list[str]:
    """Return the valid root secrets, the current one first; empty before the first one is
    created.
    """
    return list(execute(session, VALID).scalars())


def ensure_roots(session: Session) -> list[str]:
    """Return the valid root secrets; creates the first one if necessary."""
    if roots := valid_roots(session):
        return roots
    execute(session, insert_missing(S).values(id=FIRST, secret=new_secret()))
    return valid_roots(session)


def current_secret(session: Session, owner_id: UUID | None) -> str:
    """Return the secret that signs the webhooks of this owner now."""
    return derived(ensure_roots(session)[0], owner_id)


def rotate(session: Session) -> str:
    """Create a new root secret and return it. Secrets derived from the previous one also sign for
    OVERLAP seconds.
    """
    secret, id = new_secret(), new_id()
    execute(session, delete(S).where(S.retires_at <= now()))
    execute(session, insert(S).values(id=id, secret=secret))
    previous = update(S).where(S.id != id, S.retires_at.is_(None))
    execute(session, previous.values(retires_at=now(OVERLAP)))
    return secret
