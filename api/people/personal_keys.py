"""Personal API keys at the edge: made, listed, deleted."""

from functools import partial
from typing import Any

from api.context import current_login, services
from api.people.signed_in import me
from api.schemas.tokens import NewKey, key_view
from common.db import read, transact
from common.errors import Forbidden, NotFound
from common.ids import LAST_ID, new_id, parse_id
from common.people import keys

NEW_KEY = NewKey()


def make(fields: dict[str, Any]) -> dict[str, Any]:
    """A new key of the caller's, shown this once.

    Raises Forbidden to who has shown a key themselves: what ends some day must not beget what does
    not. Raises Conflict when there are too many.
    """
    owner = me()
    if current_login() is None:
        raise Forbidden("Sign in with your password to make a key.", code="login_needed")
    wanted = NEW_KEY.load(fields)
    id, key = new_id(), keys.new_key()
    transact(services().sessions, partial(keys.enter, id=id, user_id=owner, key=key, **wanted))
    [row] = read(services().sessions, partial(keys.of_user, user_id=owner, before=LAST_ID, most=1))
    return key_view(row) | {"key": key}


def page(query: dict[str, Any]) -> tuple[list[dict[str, Any]], Any]:
    """The caller's keys, the newest first, and the cursor of the next page."""
    about = {"user_id": me(), "before": query["cursor"] or LAST_ID, "most": query["limit"] + 1}
    rows = read(services().sessions, partial(keys.of_user, **about))
    shown = rows[: query["limit"]]
    return [key_view(row) for row in shown], shown[-1].id if len(rows) > len(shown) else None


def remove(id: str) -> None:
    """Let a key of the caller's be good no more; raises NotFound when they have no such key."""
    owner, key = me(), parse_id(id)
    gone = key and transact(services().sessions, partial(keys.remove, id=key, user_id=owner))
    if not gone:
        raise NotFound("You have no such key.", code="key_not_found")
