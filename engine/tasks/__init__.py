"""Task runners: for each contract in `common/tasks`, a file of the same name that does the work.

Such a file defines `open_runner(settings, model=None, decoder=None)`, which returns a TaskRunner.
`model` is the reference (name@version) of the model that a request names. A task whose workers need
more than that defines `open_worker_pool(services, stop, decoder) -> WorkerPool` instead.
"""

import importlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from threading import Event
from typing import Any, Protocol

from common.services import Services
from common.settings import Settings
from engine.decoding.decoder import Decoder


class TaskRunner(Protocol):
    """What one worker thread does for one task; every worker opens a TaskRunner of its own.

    One whose model gains from batches says `batches = True`: it is run once all of a batch is
    decoded. Others are run as soon as anything is. A Work may define `upkeep()`, which its worker
    calls between two batches, also when there is nothing to do, about once a second.
    """

    model: dict[str, Any]  # name, version, sha256: kept with each result

    def prepare(self, data: bytes, params: dict[str, Any]) -> Any:
        """Turn the image's bytes into the model's input. Called from several threads at once.

        Of a task that takes no image `data` are empty. `params` of such a task, and of one that may
        be paid, hold `asked_by`: the account that asks, or None.

        Raises InputFault when the bytes cannot be used, for example because they do not decode.
        """

    def run(
        self, prepared: Sequence[Any], params: Sequence[dict[str, Any]]
    ) -> list[dict[str, Any]]:
        """The result of each item, in order, as the contract describes it; worker's thread only."""


class MadeBy(dict[str, Any]):
    """A result that another model than its Work's has made."""

    def __init__(self, model: dict[str, Any], result: dict[str, Any]):
        super().__init__(result)
        self.model = model


@dataclass(frozen=True, slots=True)
class WorkerPool:
    """Who works in a task's lane: so many threads, each with a batch of at most that size and a
    Work of its own, or of all, if that is made for several threads.
    """

    workers: int
    batch_size: int
    open_runner: Callable[
        [str | None], TaskRunner
    ]  # of a model's reference, or None for the default


def open_worker_pool(task: str, services: Services, stop: Event, decoder: Decoder) -> WorkerPool:
    """The task's own crew, else that of the settings. Nothing is loaded yet.

    `decoder` is the one that all tasks of the process share.
    `stop` is set when the engine stops: a TaskRunner that waits for others then gives up soon.
    """
    settings = services.settings
    own = getattr(importlib.import_module(f"{__name__}.{task}"), "open_worker_pool", None)
    if own is None:
        opener = partial(open_runner, task, settings, decoder=decoder)
        return WorkerPool(settings.engine_workers, settings.batch_size, opener)
    crew: WorkerPool = own(services, stop, decoder)
    return crew


def open_runner(
    task: str, settings: Settings, model: str | None = None, decoder: Decoder | None = None
) -> TaskRunner:
    """Load what `task` needs: its default model, or the one of this reference; raises
    ModelUnavailable when it is not installed. Without a `decoder` it makes its own.
    """
    module = importlib.import_module(f"{__name__}.{task}")
    work: TaskRunner = module.open_runner(settings, model, decoder)
    return work
