"""Permission checks, decorators that run them before the request is read, and user look-up."""

from collections.abc import Callable
from functools import partial, wraps
from typing import ParamSpec, TypeVar
from uuid import UUID

from flask import request

from api.state import current_user, read, services
from common.accounts import queries
from common.client_networks import is_private
from common.errors import Forbidden, NotFound, Unauthorized

P = ParamSpec("P")
T = TypeVar("T")
FORWARDING_HEADERS = ("X-Forwarded-For", "Forwarded", "X-Real-IP")


def require_account() -> UUID:
    """Return the id of the caller's account; raises Unauthorized for an anonymous caller."""
    if (id := current_user().id) is None:
        raise Unauthorized("Log in, or send an access token or an API key.", code="token_missing")
    return id


def require_upload_permission() -> None:
    """Raise Unauthorized for an anonymous caller where ANONYMOUS_UPLOADS is off."""
    if not services().settings.anonymous_uploads:
        require_account()


def require_admin() -> None:
    """Raise Unauthorized for an anonymous caller, and Forbidden for a caller without admin role."""
    require_account()
    if not current_user().is_admin:
        raise Forbidden("This needs an account with the role admin.", code="admins_only")


def require_ml_team() -> None:
    """Raise Unauthorized for an anonymous caller, and Forbidden outside the ML team."""
    require_account()
    if not current_user().is_ml:
        raise Forbidden("This needs an account with the role ml or admin.", code="ml_only")


def account_required(route: Callable[P, T]) -> Callable[P, T]:
    """Decorate a route to answer anonymous callers with 401 before the request is read."""
    return _after(require_account, route)


def ml_team_required(route: Callable[P, T]) -> Callable[P, T]:
    """Decorate a route to answer callers outside the ML team with 401 or 403."""
    return _after(require_ml_team, route)


def upload_permission_required(route: Callable[P, T]) -> Callable[P, T]:
    """Decorate a route to answer anonymous callers with 401 where ANONYMOUS_UPLOADS is off."""
    return _after(require_upload_permission, route)


def _after(check: Callable[[], object], route: Callable[P, T]) -> Callable[P, T]:
    @wraps(route)
    def checked(*args: P.args, **options: P.kwargs) -> T:
        check()
        return route(*args, **options)

    return checked


def is_internal_caller() -> bool:
    """Return whether the caller is an admin or calls from loopback or a private network.

    With TRUSTED_PROXIES the caller's address is the one that the trusted proxies report. Without
    it, a request that a proxy has forwarded counts as external: its origin is unknown.
    """
    if current_user().is_admin:
        return True
    is_forwarded = any(name in request.headers for name in FORWARDING_HEADERS)
    if is_forwarded and not services().settings.trusted_proxies:
        return False
    return is_private(request.remote_addr)


def find_user(name: str, include_disabled: bool = False) -> UUID:
    """Return the id of the account with this name.

    Raises NotFound if no account has the name, or if it is disabled and neither the caller is an
    admin nor `include_disabled` is set.
    """
    row = read(partial(queries.find_by_name, name=name))
    if row is None or not (row.is_active or include_disabled or current_user().is_admin):
        raise user_not_found()
    account_id: UUID = row.id
    return account_id


def user_not_found() -> NotFound:
    """Return the error for a user name that no visible account has."""
    return NotFound("No user with this name exists.", code="user_not_found")
