"""One item's way to the model: fetch its bytes, compare them with their hash, decode them."""

import hashlib
import time
from dataclasses import dataclass
from typing import Any

import structlog

from common.errors import (
    AfterimageError,
    InputFault,
    ModelUnavailable,
    SettingsError,
    TryLater,
)
from common.predictions import Failure, Job, Outcome, Retry
from common.storage import Storage, object_key
from common.tasks import contract
from engine.tasks import TaskRunner

log = structlog.get_logger(__name__)


WITHOUT_MODEL = 5.0  # seconds until a prediction is tried again whose model is not here


class PartialRead(AfterimageError):
    """The store gave other bytes than were put: half a file, or a damaged one."""

    default_code = "object_damaged"


@dataclass(frozen=True, slots=True)
class Prepared:
    """A job whose input is ready for the model; timings in seconds."""

    job: Job
    input: Any
    timings: dict[str, float]


def prepare(storage: Storage, work: TaskRunner, job: Job) -> Prepared | Outcome:
    """The model's input for `job`, or what became of the attempt. Never raises."""
    try:
        start = time.monotonic()
        data = fetch(storage, job)
        fetched = time.monotonic()
        ready = work.prepare(data, _asked(job))
        decoded = time.monotonic()
    except Exception as error:
        return outcome_of(job, error)
    timings = {"fetch": round(fetched - start, 6), "decode": round(decoded - fetched, 6)}
    return Prepared(job, ready, timings)


def fetch(storage: Storage, job: Job) -> bytes:
    """The bytes of the job's image, none where the task takes no image; raises PartialRead when
    they are not what was accepted.
    """
    if not _takes_image(job):
        return b""
    if job.sha256 is None:
        raise InputFault("This prediction has no image.", code="image_missing")
    data = storage.get(object_key(job.sha256))
    if hashlib.sha256(data).digest() != job.sha256:
        raise PartialRead("The object store gave other bytes than were put.")
    return data


def _takes_image(job: Job) -> bool:
    return contract(job.task, internal=True).takes_image


def _asked(job: Job) -> dict[str, Any]:
    """The params; with the account that asks where that decides what it may see or spend."""
    wanted = contract(job.task, internal=True)
    needs_caller = wanted.may_be_paid or not wanted.takes_image
    return job.params | {"asked_by": job.owner_id} if needs_caller else job.params


def outcome_of(job: Job, error: Exception) -> Outcome:
    """What an error means for its job: the input's fault is final, anything else is tried again."""
    if isinstance(error, InputFault):
        return Failure(job, error.code, error.detail)
    if isinstance(error, ModelUnavailable):
        return without_model(job, error)
    if isinstance(error, AfterimageError) and not isinstance(error, SettingsError):
        log.warning("attempt failed", id=str(job.id), code=error.code, error=error.explained)
        if isinstance(error, TryLater):
            return Retry(job, error.code, error.detail, error.delay, error.counts)
        return Retry(job, error.code, error.detail)
    log.error("attempt failed", id=str(job.id), exc_info=error)
    return Retry(job, "internal", "The engine failed on this image; its log says why.")


def without_model(job: Job, error: ModelUnavailable) -> Outcome:
    """Later, by this engine or another: until its deadline the model may be installed. It was not
    tried, so it does not count as a failure; a model that no retry brings back is final.
    """
    if error.is_final:
        return Failure(job, error.code, error.detail)
    log.warning("model not available", id=str(job.id), task=job.task, error=error.explained)
    return Retry(job, error.code, error.detail, WITHOUT_MODEL, counts=False)
