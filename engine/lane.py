"""A lane: one task's consumer and workers, apart from every other task's."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any
from uuid import UUID

import structlog

from common.announcer import Announcer
from common.errors import ModelUnavailable
from common.services import Services
from common.tasks import contract
from common.threads import lasting_thread
from engine.batching import Inbox
from engine.decoding.decoder import Decoder
from engine.late_consumer import LateConsumer
from engine.model_cache import ModelCache
from engine.models.defaults import InstalledModels, stamp
from engine.task_metrics import begin
from engine.tasks import TaskRunner, open_worker_pool
from engine.worker import Worker

log = structlog.get_logger(__name__)

STOP_TIME = 20  # seconds that a batch may take to end once a stop was asked for


class Lane:
    """Serves one task from start() to stop()."""

    def __init__(
        self, services: Services, announcer: Announcer, owner: UUID, task: str, decoder: Decoder
    ):
        self.task = task
        self._services = services
        self._stop = threading.Event()
        self._status: dict[str, Any] = {"ready": False, "problem": "starting", "model": None}
        settings = services.settings
        wanted = contract(task, internal=True)
        queues = [wanted.queue(interactive=True), wanted.queue()]
        self._crew = crew = open_worker_pool(task, services, self._stop, decoder)
        # Twice what the workers hold: the next batch is here when the last one ends.
        prefetch = 2 * crew.batch_size * crew.workers
        self._consumer = LateConsumer(partial(services.broker.consumer, queues, prefetch))
        self._threads = ThreadPoolExecutor(settings.engine_workers, f"{task}-decode")
        self._shelf = InstalledModels(task, settings.model_dir)
        begin(services.metrics, task)
        inbox = Inbox(self._consumer, crew.batch_size, services.metrics.junk[task])
        alone = threading.Lock()
        self._workers = [
            lasting_thread(
                f"{task}-{number}",
                Worker(
                    services,
                    announcer,
                    owner,
                    inbox,
                    self._works(),
                    self._threads,
                    self._stop,
                    alone,
                ).run,
                self._stop,
            )
            for number in range(crew.workers)
        ]

    @property
    def status(self) -> dict[str, Any]:
        """Whether predictions can be made, the model they are made with, if not, why not, and the
        models that a request may name.
        """
        return self._status | {"models": self._shelf.identities()}

    def start(self) -> None:
        """Let the workers begin."""
        for worker in self._workers:
            worker.start()

    def end(self) -> None:
        """Begin no more batches; returns at once."""
        self._stop.set()

    def stop(self) -> None:
        """Let the batches in hand end, then give back what was prefetched."""
        self.end()
        until = time.monotonic() + STOP_TIME  # for all workers together
        for worker in self._workers:
            worker.join(timeout=max(0.0, until - time.monotonic()))
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._consumer.close()

    def _works(self) -> ModelCache:
        model_dir = self._services.settings.model_dir
        return ModelCache(self._open, lambda: stamp(model_dir))

    def _open(self, model: str | None) -> TaskRunner:
        try:
            work = self._crew.open_runner(model)
        except ModelUnavailable as error:
            if model is None:
                self._report(error)
            raise
        if model:
            return work
        self._status = {"ready": True, "problem": None, "model": work.model}
        return work

    def _report(self, error: ModelUnavailable) -> None:
        """Log once what the lane lacks, and keep it in the status, which callers may read."""
        if error.detail != self._status["problem"]:
            log.warning("the default model cannot be used", task=self.task, problem=error.explained)
        self._status = {**self._status, "problem": error.detail}
