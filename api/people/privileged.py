"""Routes that are for the ML team alone, whatever else is wrong with the request."""

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from api.people.signed_in import ml_only

P = ParamSpec("P")
T = TypeVar("T")


def for_ml_team(view: Callable[P, T]) -> Callable[P, T]:
    """Ask for the role before anything is read: 401 or 403 for whoever lacks it."""

    @wraps(view)
    def checked(*args: P.args, **options: P.kwargs) -> T:
        ml_only()
        return view(*args, **options)

    return checked
