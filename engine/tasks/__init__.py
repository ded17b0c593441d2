"""The tasks' work: for each contract of `common/tasks`, a file of the same name that does it.

Such a file defines `open_work(settings) -> Work`.
"""

import importlib
from collections.abc import Sequence
from typing import Any, Protocol

from common.settings import Settings


class Work(Protocol):
    """What one worker thread does for one task; every worker opens a Work of its own."""

    model: dict[str, Any]  # name, version, sha256: kept with each result

    def prepare(self, data: bytes, params: dict[str, Any]) -> Any:
        """Turn the image's bytes into the model's input. Called from several threads at once.

        Raises InputFault when the bytes cannot be used, for example because they do not decode.
        """

    def run(
        self, prepared: Sequence[Any], params: Sequence[dict[str, Any]]
    ) -> list[dict[str, Any]]:
        """The result of each item, in order, as the contract describes it; worker's thread only."""


def open_work(task: str, settings: Settings) -> Work:
    """Load what `task` needs; raises ModelUnavailable when its model is not installed."""
    work: Work = importlib.import_module(f"{__name__}.{task}").open_work(settings)
    return work
