"""Passwords that are guessed first: the most common ones, and the account's own names."""

from collections.abc import Iterable

MOST_COMMON = 10_000


def weakness(password: str, names: Iterable[str]) -> str:
    """Why the password must not be used; empty for one that may. `names` are the account's name
    and address.
    """
    # The lists take 8 MiB, so they are imported by the first process that needs them.
    from zxcvbn.frequency_lists import FREQUENCY_LISTS

    plain = password.lower()
    if plain in FREQUENCY_LISTS["passwords"][:MOST_COMMON]:
        return "This password is one of the most common ones. Choose another."
    parts = {part for name in names for part in (name.lower(), name.lower().partition("@")[0])}
    if plain in parts:
        return "The password must not be the account's name or address. Choose another."
    return ""
