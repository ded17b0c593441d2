"""Task runners: the module with a contract's name runs the task that the contract describes.

Such a module defines `open_runner(settings, model=None, decoder=None)`, which returns a TaskRunner;
`model` is the reference (name@version) of a model that a request names. A task whose workers need
more than that defines `open_worker_pool(services, stop, decoder) -> WorkerPool` instead. A task
that cannot run with some settings also defines `check_settings(settings)`.
"""

import importlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from threading import Event
from types import ModuleType
from typing import Any, Protocol

from common.services import Services
from common.settings import Settings
from engine.decoding.decoder import Decoder


class TaskRunner(Protocol):
    """Runs one task; by default each worker thread opens a runner of its own.

    A runner whose model is faster in batches sets `batches = True`: it runs once a whole batch is
    decoded. Other runners run as soon as some inputs are ready. A runner may define `upkeep()`,
    which its worker calls after each batch, and about once a second while it is idle.
    """

    model: dict[str, Any]  # name, version, sha256: stored with each result

    def prepare(self, data: bytes, params: dict[str, Any]) -> Any:
        """Convert the bytes of an image to the model's input. Several threads call this at once.

        For a task without an image `data` is empty. For such a task, and for one that may be paid,
        `params` also contain `asked_by`: the account that sent the request, or None.

        Raises InputFault if the bytes cannot be used, for example if they cannot be decoded.
        """

    def run(
        self, prepared: Sequence[Any], params: Sequence[dict[str, Any]]
    ) -> list[dict[str, Any]]:
        """Return the result of each input, in order, in the form that the contract describes. Only
        the worker's thread calls this.
        """


class MadeBy(dict[str, Any]):
    """A result made by another model than the runner's."""

    def __init__(self, model: dict[str, Any], result: dict[str, Any]):
        super().__init__(result)
        self.model = model


@dataclass(frozen=True, slots=True)
class WorkerPool:
    """The size of a lane: the number of worker threads, and the maximum size of their batches.

    `open_runner` receives a model's reference, or None for the default model. It may return the
    same runner each time if that is safe for several threads.
    """

    workers: int
    batch_size: int
    open_runner: Callable[[str | None], TaskRunner]


def open_worker_pool(task: str, services: Services, stop: Event, decoder: Decoder) -> WorkerPool:
    """Return the task's own worker pool, or one of the size in the settings. Loads no model.

    All tasks of the process share `decoder`. `stop` is set when the engine stops: a runner that is
    waiting for another service then gives up.
    """
    settings = services.settings
    open_own = getattr(_module(task), "open_worker_pool", None)
    if open_own is None:
        opener = partial(open_runner, task, settings, decoder=decoder)
        return WorkerPool(settings.engine_workers, settings.batch_size, opener)
    pool: WorkerPool = open_own(services, stop, decoder)
    return pool


def open_runner(
    task: str, settings: Settings, model: str | None = None, decoder: Decoder | None = None
) -> TaskRunner:
    """Load the task's default model, or the model with this reference. Without a `decoder` the
    runner creates one.

    Raises ModelUnavailable if the model is not installed.
    """
    runner: TaskRunner = _module(task).open_runner(settings, model, decoder)
    return runner


def check_settings(task: str, settings: Settings) -> None:
    """Raise SettingsError if the task cannot run with these settings."""
    check = getattr(_module(task), "check_settings", None)
    if check is not None:
        check(settings)


def _module(task: str) -> ModuleType:
    return importlib.import_module(f"{__name__}.{task}")
