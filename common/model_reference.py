"""How a model is named in tables, metrics and requests: `name@version`."""

from collections.abc import Mapping
from typing import Any


def model_reference(model: Mapping[str, Any] | None) -> str | None:
    """`name@version` of a model as predictions keep it; None without a model."""
    return f"{model['name']}@{model['version']}" if model else None
