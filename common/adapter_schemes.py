"""The scheme of a setting's URL picks its adapter from a table; its module is imported only then.

The tables name functions as text, so that choosing one adapter costs no import of the others.
"""

import importlib
from collections.abc import Mapping
from typing import Any

from common.errors import SettingsError


def open_by_scheme(url: str, adapters: Mapping[str, str], *arguments: Any, setting: str) -> Any:
    """Call the adapter of `url`'s scheme with `url` and `arguments`, and return what it made.

    `adapters` maps a scheme to `"module:function"`. Raises SettingsError, which names `setting`
    and the known schemes but never repeats the URL, because URLs carry passwords.
    """
    scheme, separator, _ = url.partition("://")
    target = adapters.get(scheme.lower()) if separator else None
    if target is None:
        known = ", ".join(f"{name}://" for name in sorted(adapters))
        raise SettingsError(f"{setting} must begin with one of: {known}")
    module, _, function = target.partition(":")
    return getattr(importlib.import_module(module), function)(url, *arguments)
