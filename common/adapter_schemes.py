"""Selecting an adapter by the scheme of a setting's URL.

Tables of adapters name functions as text, so that only the selected adapter's module is imported.
"""

import importlib
from collections.abc import Mapping
from typing import Any

from common.errors import SettingsError


def open_by_scheme(url: str, adapters: Mapping[str, str], *arguments: Any, setting: str) -> Any:
    """Call the function for the scheme of `url` with `url` and `arguments`, and return its result.

    `adapters` maps a scheme to `"module:function"`. Raises SettingsError for an unknown scheme; the
    message names `setting` and the known schemes but never repeats the URL, which may hold a
    password.
    """
    scheme, separator, _ = url.partition("://")
    target = adapters.get(scheme.lower()) if separator else None
    if target is None:
        known = ", ".join(f"{name}://" for name in sorted(adapters))
        raise SettingsError(f"{setting} must begin with one of: {known}")
    module, _, function = target.partition(":")
    return getattr(importlib.import_module(module), function)(url, *arguments)
