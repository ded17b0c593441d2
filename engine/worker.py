"""A worker: collect, claim, fetch and decode, predict, write, acknowledge; one thread, one batch
at a time. While one worker decodes or writes, another predicts."""

import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Executor, Future
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
from engine.batching import Batch, Inbox
from engine.model_cache import ModelCache
from engine.preparation import Prepared, outcome_of, prepare, without_model
from engine.task_metrics import count, count_poison
from engine.tasks import MadeBy, TaskRunner

log = structlog.get_logger(__name__)
T = TypeVar("T")

PAUSE = 0.5  # seconds after a batch that failed as a whole
IDLE = 1.0  # seconds after which an idle worker looks up
LONGEST_PAUSE = 5.0


class Stopped(Exception):
    """The engine is stopping while a worker waits for the database: its jobs go to others."""


class Worker:
    """Runs one task's predictions until `stop` is set."""

    def __init__(
        self,
        services: Services,
        announcer: Announcer,
        owner: UUID,
        inbox: Inbox,
        works: ModelCache,
        threads: Executor,
        stop: Event,
        alone: Lock,
    ):
        self._services = services
        self._announcer = announcer
        self._owner = owner
        self._inbox = inbox
        self._works = works
        self._threads = threads
        self._stop = stop
        self._alone = alone

    def run(self) -> None:
        """Work until stopped. Whatever happens to a batch, the next one is collected."""
        while not self._stop.is_set():
            batch: Batch = {}
            try:
                if not self._is_open():
                    self._stop.wait(IDLE)  # what is queued waits, or goes to another engine
                elif batch := self._inbox.collect(IDLE):
                    self.process(batch)
                self._upkeep()
            except Stopped:
                return
            except Exception:
                # The sweep announces its rows again. Messages that were never acknowledged would
                # count against the prefetch limit until the consumer receives nothing more.
                log.exception("a batch was dropped")
                self._inbox.ack(batch.values())
                self._stop.wait(PAUSE)

    def process(self, batch: Batch) -> None:
        """Bring every delivery of `batch` to its end: acknowledged, parked or discarded."""
        claims = self._claim(batch)
        for jobs in _by_model(claims.fresh + claims.confirmed):
            self._carry_out(batch, jobs)
        for id in claims.again:
            # One at a time: a poison image takes down what its process holds beside it, and a row
            # may lose a claim through another one once, while it is fresh, but not thrice.
            with self._alone:
                claims = self._claim({id: batch[id]}, by_itself=True)
                for job in claims.jobs:
                    self._carry_out(batch, [job])

    def _claim(self, batch: Batch, by_itself: bool = False) -> Claims:
        redelivered = {id: delivery.redelivered for id, delivery in batch.items()}
        attempts: dict[UUID, int] = {}  # of the latest try, in case its COMMIT is not answered

        def take(session: Session, unconfirmed: Mapping[UUID, int] | None = None) -> Claims:
            claims = claim(
                session, self._owner, redelivered, by_itself=by_itself, unconfirmed=unconfirmed
            )
            attempts.update((job.id, job.attempt) for job in claims.jobs)
            return claims

        claims = self._persistently(take, lambda session: take(session, dict(attempts)))
        self._settle(batch, claims)
        return claims

    def _settle(self, batch: Batch, claims: Claims) -> None:
        """The deliveries that lead to no work."""
        self._inbox.ack(batch[id] for id in (*claims.drop, *claims.poison))
        self._inbox.discard((batch[id] for id in claims.unknown), "unknown id")
        self._inbox.park(batch[id] for id in claims.later)
        self._announcer.finished(claims.poison)
        count_poison(self._services.metrics, claims)

    def _carry_out(self, batch: Batch, jobs: Sequence[Job]) -> None:
        start = time.monotonic()
        outcomes = self._attempt(jobs)
        predicted = time.monotonic()
        final = self._persistently(lambda session: finish(session, outcomes))
        self._inbox.ack(batch[job.id] for job in jobs)
        self._announcer.finished(final)
        written = time.monotonic()
        count(self._services.metrics, outcomes, final, written - predicted)
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
        """One outcome a job, in order."""
        try:
            work = self._works.of(jobs[0].wanted_model)
        except ModelUnavailable as error:
            return [without_model(job, error) for job in jobs]
        except InputFault as error:
            return [Failure(job, error.code, error.detail) for job in jobs]
        waiting = deque(
            self._threads.submit(prepare, self._services.storage, work, job) for job in jobs
        )
        take = _all_done if getattr(work, "batches", False) else _next_done
        outcomes: list[Outcome] = []
        while waiting:
            outcomes += self._finish_those(work, take(waiting))
        return outcomes

    def _finish_those(self, work: TaskRunner, done: Sequence[Prepared | Outcome]) -> list[Outcome]:
        ready = [item for item in done if isinstance(item, Prepared)]
        predicted = iter(self._predict(work, ready))
        return [next(predicted) if isinstance(item, Prepared) else item for item in done]

    def _predict(self, work: TaskRunner, items: Sequence[Prepared]) -> list[Outcome]:
        if not items:
            return []
        start = time.monotonic()
        try:
            results = work.run([i.input for i in items], [i.job.params for i in items])
        except Exception as error:
            if len(items) == 1:
                return [outcome_of(items[0].job, error)]
            # One item's fault must not become its neighbours'.
            return [outcome for item in items for outcome in self._predict(work, [item])]
        each = (time.monotonic() - start) / len(items)
        return [
            Success(
                item.job, result, _model(work, result), {**item.timings, "predict": round(each, 6)}
            )
            for item, result in zip(items, results, strict=True)
        ]

    def _is_open(self) -> bool:
        """Load the default model if that has not happened, or if there is another one now; False
        while there is none, which the lane reports.
        """
        try:
            self._works.default()
        except ModelUnavailable:
            return False
        return True

    def _upkeep(self) -> None:
        """What the task's Work does between two batches, if it defines `upkeep()`."""
        try:
            upkeep = getattr(self._works.default(), "upkeep", None)
        except ModelUnavailable:
            return
        if upkeep is not None:
            upkeep()

    def _persistently(
        self, work: Callable[[Session], T], after_commit: Callable[[Session], T] | None = None
    ) -> T:
        """Run a transaction until the database takes it. Rerunning is safe: `claim` and `finish`
        only touch rows that are still due or still ours. `after_commit` is run instead once a
        COMMIT was not answered.
        """
        pause = 0.1
        while True:
            try:
                return transact(self._services.sessions, work)
            except Unavailable as error:
                if isinstance(error, CommitUnknown) and after_commit:
                    work = after_commit
                log.warning("waiting for the database", error=error.detail, pause=pause)
            if self._stop.wait(pause):
                raise Stopped
            pause = min(LONGEST_PAUSE, pause * 2)


def _model(work: TaskRunner, result: dict[str, Any]) -> dict[str, Any]:
    """The model that made the result."""
    return result.model if isinstance(result, MadeBy) else work.model


def _by_model(jobs: Iterable[Job]) -> Iterable[list[Job]]:
    """Those that the default answers, and those of each model that was named."""
    groups: dict[str | None, list[Job]] = {}
    for job in jobs:
        groups.setdefault(job.wanted_model, []).append(job)
    return groups.values()


def _all_done(waiting: deque[Future[T]]) -> list[T]:
    """All of them, for a model that runs a batch in less time than its items."""
    done = [future.result() for future in waiting]
    waiting.clear()
    return done


def _next_done(waiting: deque[Future[T]]) -> list[T]:
    """The first in line, and those behind it that are done as well: the model need not wait for
    the whole batch to be decoded.
    """
    done = [waiting.popleft().result()]
    while waiting and waiting[0].done():
        done.append(waiting.popleft().result())
    return done
