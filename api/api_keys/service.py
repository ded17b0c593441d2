"""Create, list and delete the caller's API keys."""

from functools import partial
from typing import Any

from sqlalchemy.orm import Session

from api.accounts.permissions import require_account
from api.accounts.security_log import security_event
from api.api_keys.schemas import KeyRequest, key_view
from api.http.pagination import Page, read_page
from api.state import current_login, read, write
from common.accounts import api_keys
from common.database.ids import LAST_ID, new_id, parse_id
from common.errors import Forbidden, NotFound

REQUEST = KeyRequest()


def create_key(fields: dict[str, Any]) -> dict[str, Any]:
    """Create an API key for the caller; return the fields of CreatedKey.

    Raises Forbidden if the caller authenticated with an API key, which cannot create another one,
    and Conflict if the account has too many keys.
    """
    owner = require_account()
    if current_login() is None:
        raise Forbidden(
            "An API key cannot create another one. Log in with your password and send the access "
            "token.",
            code="login_needed",
        )
    values = REQUEST.load(fields)
    id, key = new_id(), api_keys.new_key()
    write(partial(api_keys.insert_key, id=id, user_id=owner, key=key, **values))
    security_event("key created", account=owner, key=id)
    row = read(partial(api_keys.find_key, id=id))
    if row is None:
        raise NotFound("The key was deleted right after its creation.", code="key_not_found")
    return key_view(row) | {"key": key}


def list_keys(query: dict[str, Any]) -> Page[api_keys.ApiKeyRecord]:
    """Return a page of the caller's API keys, newest first."""
    before = query["cursor"] or LAST_ID
    fetch = partial(api_keys.of_user, user_id=require_account(), before=before)
    return read_page(query["limit"], fetch, lambda key: str(key.id))


def delete_key(id: str) -> None:
    """Delete an API key of the caller; raises NotFound if they have no key with this id."""
    owner, key = require_account(), parse_id(id)

    def remove(session: Session) -> bool:
        return key is not None and api_keys.remove(session, key, owner)

    if not write(remove):
        raise NotFound("You have no API key with this id.", code="key_not_found")
    security_event("key deleted", account=owner, key=key)
