"""Prepare one prediction for the model: fetch the bytes, compare their hash, decode them."""

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
from engine.decoding.decoder import Decoder
from engine.tasks import TaskRunner

log = structlog.get_logger(__name__)


WITHOUT_MODEL = 5.0  # seconds until a prediction without an installed model is tried again


@dataclass(frozen=True, slots=True)
class Prepared:
    """A job with the model's input; timings are in seconds."""

    job: Job
    input: Any
    timings: dict[str, float]


class PartialRead(AfterimageError):
    """The store returned other bytes than were stored: a part of the object, or damaged data."""

    default_code = "object_damaged"


def prepare(storage: Storage, decoder: Decoder, runner: TaskRunner, job: Job) -> Prepared | Outcome:
    """Return the model's input for `job`, or the outcome if that failed. Never raises."""
    try:
        start = time.monotonic()
        data = fetch(storage, job)
        fetched = time.monotonic()
        with decoder.knowing(data, job.sha256 or b""):
            ready = runner.prepare(data, _params(job))
        decoded = time.monotonic()
    except Exception as error:
        return outcome_of(job, error)
    timings = {"fetch": round(fetched - start, 6), "decode": round(decoded - fetched, 6)}
    return Prepared(job, ready, timings)


def fetch(storage: Storage, job: Job) -> bytes:
    """Return the bytes of the job's image, or no bytes if the task takes no image.

    Raises PartialRead if they are not the bytes that were uploaded.
    """
    if not _takes_image(job):
        return b""
    if job.sha256 is None:
        raise InputFault("This prediction has no image.", code="image_missing")
    data = storage.get(object_key(job.sha256))
    if hashlib.sha256(data).digest() != job.sha256:
        raise PartialRead("The object store returned other bytes than were uploaded.")
    return data


def _takes_image(job: Job) -> bool:
    return contract(job.task, internal=True).takes_image


def _params(job: Job) -> dict[str, Any]:
    """Return the params; they include the requesting account if the task's visibility or budget
    depends on it.
    """
    task = contract(job.task, internal=True)
    needs_caller = task.may_be_paid or not task.takes_image
    return job.params | {"asked_by": job.owner_id} if needs_caller else job.params


def outcome_of(job: Job, error: Exception) -> Outcome:
    """Return the outcome of a job that raised `error`: the input's fault is final, other errors are
    retried.
    """
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
    return Retry(job, "internal", "The engine failed on this image; see its log.")


def without_model(job: Job, error: ModelUnavailable) -> Outcome:
    """Retry later, here or in another engine: the model may be installed before the deadline. It
    was not tried, so it does not count as a failure. Final if a retry cannot help.
    """
    if error.is_final:
        return Failure(job, error.code, error.detail)
    log.warning("model not available", id=str(job.id), task=job.task, error=error.explained)
    return Retry(job, error.code, error.detail, WITHOUT_MODEL, counts=False)
