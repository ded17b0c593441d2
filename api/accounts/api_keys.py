"""Personal API keys at the edge: made, listed, deleted."""

from functools import partial
from typing import Any

from api.accounts.permissions import me
from api.accounts.security_log import security_event
from api.login.schemas import NewKey, key_view
from api.state import current_login, read, write
from common.accounts import api_keys
from common.database.ids import LAST_ID, new_id, parse_id
from common.errors import Forbidden, NotFound

NEW_KEY = NewKey()


def make(fields: dict[str, Any]) -> dict[str, Any]:
    """A new key of the caller's, shown this once.

    Raises Forbidden when the caller authenticated by an API key, which cannot create another one;
    Conflict when the account has too many keys.
    """
    owner = me()
    if current_login() is None:
        raise Forbidden("Sign in with your password to make a key.", code="login_needed")
    wanted = NEW_KEY.load(fields)
    id, key = new_id(), api_keys.new_key()
    write(partial(api_keys.enter, id=id, user_id=owner, key=key, **wanted))
    security_event("key created", account=owner, key=id)
    row = read(partial(api_keys.find, id=id))
    if row is None:
        raise NotFound("The key was deleted at once.", code="key_not_found")
    return key_view(row) | {"key": key}


def page(query: dict[str, Any]) -> tuple[list[dict[str, Any]], Any]:
    """The caller's keys, the newest first, and the cursor of the next page."""
    about = {"user_id": me(), "before": query["cursor"] or LAST_ID, "most": query["limit"] + 1}
    rows = read(partial(api_keys.of_user, **about))
    shown = rows[: query["limit"]]
    return [key_view(row) for row in shown], shown[-1].id if len(rows) > len(shown) else None


def remove(id: str) -> None:
    """Delete a key of the caller's; raises NotFound when they have no such key."""
    owner, key = me(), parse_id(id)
    gone = key and write(partial(api_keys.remove, id=key, user_id=owner))
    if not gone:
        raise NotFound("You have no such key.", code="key_not_found")
    security_event("key deleted", account=owner, key=key)
