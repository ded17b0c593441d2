"""Reject passwords that attackers try first: the most common ones and the account's names."""

from collections.abc import Iterable

MOST_COMMON = 10_000


def weakness(password: str, names: Iterable[str]) -> str:
    """Return why the password is refused, or an empty string if it is accepted.

    `names` are the account's name and e-mail address.
    """
    # The lists take 8 MiB, so a process imports them when it first checks a password.
    from zxcvbn.frequency_lists import FREQUENCY_LISTS

    lowered = password.lower()
    if lowered in FREQUENCY_LISTS["passwords"][:MOST_COMMON]:
        return "This password is one of the most common ones. Choose another."
    parts = {part for name in names for part in (name.lower(), name.lower().partition("@")[0])}
    if lowered in parts:
        return "The password must not be the account's name or e-mail address. Choose another."
    return ""
