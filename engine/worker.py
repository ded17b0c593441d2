"""A worker: collect, claim, fetch and decode, predict, finish, acknowledge.

Each worker is one thread with one batch at a time. While one decodes or writes, another predicts.
"""

import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from threading import Event, Lock
from typing import Any, TypeVar
from uuid import UUID

import structlog
from sqlalchemy.orm import Session

from common.announcer import Announcer
from common.database.session import CommitUnknown, transact
from common.errors import InputFault, ModelUnavailable, Unavailable
from common.predictions import Claims, Failure, Job, Outcome, Success, claim, finish
from common.services import Services
from engine.batching import Batch, Inbox, all_done, next_done
from engine.decoding.decoder import Decoder
from engine.preparation import Prepared, outcome_of, prepare, without_model
from engine.runner_cache import RunnerCache
from engine.task_metrics import count, count_poison
from engine.tasks import MadeBy, TaskRunner

log = structlog.get_logger(__name__)
T = TypeVar("T")

PAUSE = 0.5  # seconds after a batch that failed as a whole
IDLE = 1.0  # seconds that an idle worker waits for messages before it checks `stop`
LONGEST_PAUSE = 5.0


class Stopped(Exception):
    """The engine stops while a worker waits for the database: others take over its jobs."""


@dataclass(frozen=True, slots=True)
class LaneContext:
    """What the workers of one lane share."""

    services: Services
    announcer: Announcer
    owner: UUID  # the engine, as the owner of its leases
    inbox: Inbox
    decoder: Decoder
    decoders: Executor  # threads that fetch and decode
    stop: Event
    alone: Lock  # held while a prediction that was claimed before runs


class Worker:
    """Runs predictions of one lane until the lane stops, with runners of its own."""

    def __init__(self, lane: LaneContext, runners: RunnerCache):
        self._lane = lane
        self._runners = runners

    def run(self) -> None:
        """Run until stopped. An error in one batch does not end the worker."""
        while not self._lane.stop.is_set():
            batch: Batch = {}
            try:
                if not self._is_open():
                    self._lane.stop.wait(
                        IDLE
                    )  # messages stay queued, for this engine or another one
                elif batch := self._lane.inbox.collect(IDLE):
                    self.process(batch)
                self._upkeep()
            except Stopped:
                return
            except Exception:
                # The sweep announces the rows again. Messages that stay unacknowledged would
                # fill the prefetch limit until the consumer receives no more messages.
                log.exception("a batch was dropped")
                self._lane.inbox.ack(batch.values())
                self._lane.stop.wait(PAUSE)

    def process(self, batch: Batch) -> None:
        """Run the predictions of a batch; each message ends acknowledged, parked or discarded."""
        claims = self._claim(batch)
        for jobs in _by_model(claims.fresh + claims.confirmed):
            self._run_jobs(batch, jobs)
        for id in claims.again:
            # One at a time in the process: an image that crashes it also loses the claims of all
            # other predictions in progress, which must not happen to the same row repeatedly.
            with self._lane.alone:
                claims = self._claim({id: batch[id]}, by_itself=True)
                for job in claims.jobs:
                    self._run_jobs(batch, [job])

    def _claim(self, batch: Batch, by_itself: bool = False) -> Claims:
        redelivered = {id: delivery.redelivered for id, delivery in batch.items()}
        attempts: dict[UUID, int] = {}  # of the latest try, needed if its COMMIT gets no reply

        def take(session: Session, unconfirmed: Mapping[UUID, int] | None = None) -> Claims:
            claims = claim(
                session, self._lane.owner, redelivered, by_itself=by_itself, unconfirmed=unconfirmed
            )
            attempts.update((job.id, job.attempt) for job in claims.jobs)
            return claims

        claims = self._persistently(take, lambda session: take(session, dict(attempts)))
        self._settle(batch, claims)
        return claims

    def _settle(self, batch: Batch, claims: Claims) -> None:
        """Finish with the messages that require no work."""
        self._lane.inbox.ack(batch[id] for id in (*claims.drop, *claims.poison))
        self._lane.inbox.discard((batch[id] for id in claims.unknown), "unknown id")
        self._lane.inbox.park(batch[id] for id in claims.later)
        self._lane.announcer.finished(claims.poison)
        count_poison(self._lane.services.metrics, claims)

    def _run_jobs(self, batch: Batch, jobs: Sequence[Job]) -> None:
        start = time.monotonic()
        outcomes = self._attempt(jobs)
        predicted = time.monotonic()
        final = self._persistently(lambda session: finish(session, outcomes))
        self._lane.inbox.ack(batch[job.id] for job in jobs)
        self._lane.announcer.finished(final)
        written = time.monotonic()
        count(self._lane.services.metrics, outcomes, final, written - predicted)
        log.info(
            "batch",
            task=jobs[0].task,
            ids=[str(job.id) for job in jobs],
            succeeded=sum(isinstance(outcome, Success) for outcome in outcomes),
            final=len(final),
            work_ms=round((predicted - start) * 1e3, 1),
            write_ms=round((written - predicted) * 1e3, 1),
        )

    def _attempt(self, jobs: Sequence[Job]) -> list[Outcome]:
        """Return the outcome of each job, in order."""
        try:
            runner = self._runners.of(jobs[0].wanted_model)
        except ModelUnavailable as error:
            return [without_model(job, error) for job in jobs]
        except InputFault as error:
            return [Failure(job, error.code, error.detail) for job in jobs]
        waiting = deque(
            self._lane.decoders.submit(
                prepare, self._lane.services.storage, self._lane.decoder, runner, job
            )
            for job in jobs
        )
        take = all_done if getattr(runner, "batches", False) else next_done
        outcomes: list[Outcome] = []
        while waiting:
            outcomes += self._predict_ready(runner, take(waiting))
        return outcomes

    def _predict_ready(
        self, runner: TaskRunner, done: Sequence[Prepared | Outcome]
    ) -> list[Outcome]:
        ready = [item for item in done if isinstance(item, Prepared)]
        predicted = iter(self._predict(runner, ready))
        return [next(predicted) if isinstance(item, Prepared) else item for item in done]

    def _predict(self, runner: TaskRunner, items: Sequence[Prepared]) -> list[Outcome]:
        if not items:
            return []
        start = time.monotonic()
        try:
            results = runner.run([i.input for i in items], [i.job.params for i in items])
        except Exception as error:
            if len(items) == 1:
                return [outcome_of(items[0].job, error)]
            # Run the items one by one, so that a faulty one does not affect the others.
            return [outcome for item in items for outcome in self._predict(runner, [item])]
        each = (time.monotonic() - start) / len(items)
        return [
            Success(
                item.job,
                result,
                _model(runner, result),
                {**item.timings, "predict": round(each, 6)},
            )
            for item, result in zip(items, results, strict=True)
        ]

    def _is_open(self) -> bool:
        """Load the default model if it is not loaded or has changed; False if it is unavailable,
        which the lane reports.
        """
        try:
            self._runners.default()
        except ModelUnavailable:
            return False
        return True

    def _upkeep(self) -> None:
        """Call the runner's `upkeep()`, if it defines one."""
        try:
            upkeep = getattr(self._runners.default(), "upkeep", None)
        except ModelUnavailable:
            return
        if upkeep is not None:
            upkeep()

    def _persistently(
        self, work: Callable[[Session], T], after_commit: Callable[[Session], T] | None = None
    ) -> T:
        """Run a transaction until it succeeds. Repeating it is safe: `claim` and `finish` only
        change rows that are still due or still held by this attempt. `after_commit` runs instead
        once a COMMIT got no reply.
        """
        pause = 0.1
        while True:
            try:
                return transact(self._lane.services.sessions, work)
            except Unavailable as error:
                if isinstance(error, CommitUnknown) and after_commit:
                    work = after_commit
                log.warning("waiting for the database", error=error.detail, pause=pause)
            if self._lane.stop.wait(pause):
                raise Stopped
            pause = min(LONGEST_PAUSE, pause * 2)


def _model(runner: TaskRunner, result: dict[str, Any]) -> dict[str, Any]:
    """Return the identity of the model that made the result."""
    return result.model if isinstance(result, MadeBy) else runner.model


def _by_model(jobs: Iterable[Job]) -> Iterable[list[Job]]:
    """Group the jobs by the model that their request names."""
    groups: dict[str | None, list[Job]] = {}
    for job in jobs:
        groups.setdefault(job.wanted_model, []).append(job)
    return groups.values()
