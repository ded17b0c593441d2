"""Routes that need an account or a role: it is asked for before the request is read."""

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from api.accounts.permissions import may_upload, me, ml_only

P = ParamSpec("P")
T = TypeVar("T")


def for_ml_team(view: Callable[P, T]) -> Callable[P, T]:
    """Answer 401 or 403 to callers who are not of the ML team."""
    return _after(ml_only, view)


def for_users(view: Callable[P, T]) -> Callable[P, T]:
    """Answer 401 to anonymous callers."""
    return _after(me, view)


def for_uploaders(view: Callable[P, T]) -> Callable[P, T]:
    """Answer 401 to anonymous callers where ANONYMOUS_UPLOADS is off."""
    return _after(may_upload, view)


def _after(check: Callable[[], object], view: Callable[P, T]) -> Callable[P, T]:
    @wraps(view)
    def checked(*args: P.args, **options: P.kwargs) -> T:
        check()
        return view(*args, **options)

    return checked
