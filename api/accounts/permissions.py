"""Who must be signed in, and as what; and whom a path names."""

from functools import partial
from uuid import UUID

from api.state import current_user, read, services
from common.accounts import queries
from common.errors import Forbidden, NotFound, Unauthorized


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


def find_user(name: str, even_disabled: bool = False) -> UUID:
    """The id of the account of this name. Raises NotFound when there is none, or when it is
    disabled and neither the caller is an admin nor `even_disabled` is set.
    """
    row = read(partial(queries.find_by_name, name=name))
    if row is None or not (row.is_active or even_disabled or current_user().is_admin):
        raise NotFound("There is no such user.", code="user_not_found")
    found: UUID = row.id
    return found
