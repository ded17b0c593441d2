"""Who must be signed in, and as what; and whom a path names."""

from functools import partial
from uuid import UUID

from api.context import current_user, services
from common.db import read
from common.errors import Forbidden, NotFound, Unauthorized
from common.people import accounts


def me() -> UUID:
    """The caller's account; raises Unauthorized for an anonymous one."""
    if (id := current_user().id) is None:
        raise Unauthorized("Sign in for this.", code="token_missing")
    return id


def may_upload() -> None:
    """Raises Unauthorized for anonymous callers where the settings want an account for work."""
    if not services().settings.anonymous_uploads:
        me()


def admins_only() -> None:
    """Raises Unauthorized for anonymous callers, Forbidden for all who are not admins."""
    me()
    if not current_user().is_admin:
        raise Forbidden("Only admins may do this.", code="admins_only")


def ml_only() -> None:
    """Raises Unauthorized for anonymous callers, Forbidden for all who are not of the ML team."""
    me()
    if not current_user().is_ml:
        raise Forbidden("Only the ML team may do this.", code="ml_only")


def find_user(name: str) -> UUID:
    """The account of this name; raises NotFound."""
    row = read(services().sessions, partial(accounts.find_by_name, name=name))
    if row is None:
        raise NotFound("There is no such user.", code="user_not_found")
    found: UUID = row.id
    return found
