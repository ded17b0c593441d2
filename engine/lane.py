"""A lane: the consumer and the workers of one task, separate from those of other tasks."""

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
from engine.models.defaults import InstalledModels, defaults_version
from engine.runner_cache import RunnerCache
from engine.task_metrics import begin
from engine.tasks import TaskRunner, open_worker_pool
from engine.worker import LaneContext, Worker

log = structlog.get_logger(__name__)

STOP_TIME = 20  # seconds that current batches may take after stop() was called


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
        description = contract(task, internal=True)
        queues = [description.queue(interactive=True), description.queue()]
        self._pool = pool = open_worker_pool(task, services, self._stop, decoder)
        # Twice the size of all batches, so that the next batch is here when one ends.
        prefetch = 2 * pool.batch_size * pool.workers
        self._consumer = LateConsumer(partial(services.broker.consumer, queues, prefetch))
        self._decoders = ThreadPoolExecutor(settings.engine_workers, f"{task}-decode")
        self._installed = InstalledModels(task, settings.model_dir)
        begin(services.metrics, task)
        inbox = Inbox(self._consumer, pool.batch_size, services.metrics.junk[task])
        context = LaneContext(
            services, announcer, owner, inbox, decoder, self._decoders, self._stop, threading.Lock()
        )
        self._workers = [
            lasting_thread(
                f"{task}-{number}", Worker(context, self._runner_cache()).run, self._stop
            )
            for number in range(pool.workers)
        ]

    @property
    def status(self) -> dict[str, Any]:
        """Return whether the lane can predict, the default model or the problem that prevents its
        use, and the models that a request may name.
        """
        return self._status | {"models": self._installed.identities()}

    def start(self) -> None:
        """Start the workers."""
        for worker in self._workers:
            worker.start()

    def end(self) -> None:
        """Let the workers end after their current batch; returns at once."""
        self._stop.set()

    def stop(self) -> None:
        """Wait for the current batches, then return prefetched messages to the broker."""
        self.end()
        until = time.monotonic() + STOP_TIME  # for all workers together
        for worker in self._workers:
            worker.join(timeout=max(0.0, until - time.monotonic()))
        self._decoders.shutdown(wait=False, cancel_futures=True)
        self._consumer.close()

    def _runner_cache(self) -> RunnerCache:
        model_dir = self._services.settings.model_dir
        return RunnerCache(self._open, lambda: defaults_version(model_dir))

    def _open(self, model: str | None) -> TaskRunner:
        try:
            runner = self._pool.open_runner(model)
        except ModelUnavailable as error:
            if model is None:
                self._report(error)
            raise
        if model:
            return runner
        self._status = {"ready": True, "problem": None, "model": runner.model}
        return runner

    def _report(self, error: ModelUnavailable) -> None:
        """Log a new problem once, and keep it in the status, which callers can read."""
        if error.detail != self._status["problem"]:
            log.warning("the default model cannot be used", task=self.task, problem=error.explained)
        self._status = {**self._status, "problem": error.detail}
