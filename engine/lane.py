"""A lane: one task's consumer and workers, apart from every other task's."""

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

from common.announcer import Announcer
from common.errors import ModelUnavailable
from common.services import Services
from common.tasks import contract
from engine.batching import Inbox
from engine.tasks import Work, open_work
from engine.worker import Worker

STOP_TIME = 20  # seconds that a batch may take to end once a stop was asked for


class Lane:
    """Serves one task from start() to stop()."""

    def __init__(self, services: Services, announcer: Announcer, owner: UUID, task: str):
        self.task = task
        self._services = services
        self._stop = threading.Event()
        self._status: dict[str, Any] = {"ready": False, "problem": "starting", "model": None}
        settings = services.settings
        queues = [contract(task).queue(interactive=True), contract(task).queue()]
        # Twice what the workers hold: the next batch is here when the last one ends.
        prefetch = 2 * settings.batch_size * settings.engine_workers
        self._consumer = services.broker.consumer(queues, prefetch)
        self._threads = ThreadPoolExecutor(settings.engine_workers, f"{task}-decode")
        inbox = Inbox(self._consumer, settings.batch_size)
        self._workers = [
            threading.Thread(
                target=Worker(
                    services, announcer, owner, inbox, self._open, self._threads, self._stop
                ).run,
                name=f"{task}-{number}",
                daemon=True,
            )
            for number in range(settings.engine_workers)
        ]

    @property
    def status(self) -> dict[str, Any]:
        """Whether predictions can be made, the model they are made with, and if not, why not."""
        return self._status

    def start(self) -> None:
        """Let the workers begin."""
        for worker in self._workers:
            worker.start()

    def stop(self) -> None:
        """Let the batches in hand end, then give back what was prefetched."""
        self._stop.set()
        for worker in self._workers:
            worker.join(timeout=STOP_TIME)
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._consumer.close()

    def _open(self) -> Work:
        try:
            work = open_work(self.task, self._services.settings)
        except ModelUnavailable as error:
            self._status = {"ready": False, "problem": error.detail, "model": None}
            raise
        self._status = {"ready": True, "problem": None, "model": work.model}
        return work
