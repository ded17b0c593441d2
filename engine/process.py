"""The engine: lanes, housekeeper and heartbeat on one set of services."""

import gc
import signal
import threading
from collections.abc import Sequence
from typing import Any

import structlog

from common.announcer import Announcer
from common.database.ids import new_id
from common.services import Services
from engine.decoding.decoder import open_decoder
from engine.heartbeat import Heartbeat
from engine.housekeeper import Housekeeper
from engine.lane import Lane
from engine.tasks import check_settings
from engine.webhooks.deliverer import Deliverer

log = structlog.get_logger(__name__)


class Engine:
    """Consumes messages of the given tasks, predicts, and writes the results, from start() to
    stop().

    Raises SettingsError if the settings do not fit one of the tasks.
    """

    def __init__(self, services: Services, tasks: Sequence[str]):
        for task in tasks:
            check_settings(task, services.settings)
        id, decoder = new_id(), open_decoder(services.settings)
        self._announcer = Announcer(services.broker, services.sessions)
        self._lanes = [Lane(services, self._announcer, id, task, decoder) for task in tasks]
        self._is_started = False
        self._housekeeper = Housekeeper(services, self._announcer, tasks)
        self._deliverer = Deliverer(services.sessions, services.settings, metrics=services.metrics)
        self._heartbeat = Heartbeat(services.sessions, id, self.report)

    def report(self) -> dict[str, Any]:
        """Return the status of each task: `{task: {ready, problem, model, models}}`."""
        return {lane.task: lane.status for lane in self._lanes}

    def start(self) -> None:
        """Start all threads and return; they wait for a broker or database that does not answer
        yet.
        """
        self._is_started = True
        self._heartbeat.start()
        for lane in self._lanes:
            lane.start()
        self._housekeeper.start()
        self._deliverer.start()
        log.info("engine started", tasks=[lane.task for lane in self._lanes])

    def stop(self) -> None:
        """Stop in order: finish the current batches, announce the results, delete the heartbeat's
        row.
        """
        if self._is_started:
            self._end_work()
        self._announcer.close()
        if self._is_started:
            self._heartbeat.stop()
        log.info("engine stopped")

    def _end_work(self) -> None:
        self._housekeeper.stop()
        self._deliverer.stop()
        for lane in self._lanes:  # first all of them, so that they end at the same time
            lane.end()
        for lane in self._lanes:
            lane.stop()


def run_until_terminated(engine: Engine) -> None:
    """Run the engine until the process receives SIGTERM or SIGINT."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    engine.start()
    stop.wait()
    engine.stop()
    gc.freeze()  # or the interpreter's end would search all objects for garbage: 0.7 s
