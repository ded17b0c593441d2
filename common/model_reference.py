"""Model references, `name@version`: how requests, votes, metrics and tables name a model."""

from collections.abc import Mapping
from typing import Any


def format_reference(name: str, version: str) -> str:
    """Return `name@version`."""
    return f"{name}@{version}"


def reference_of(model: Mapping[str, Any]) -> str:
    """Return the reference of a model as a prediction row stores it (`name`, `version`, …)."""
    return format_reference(model["name"], model["version"])


def model_reference(model: Mapping[str, Any] | None) -> str | None:
    """Return the reference of a stored model; None if there is no model."""
    return reference_of(model) if model else None
