"""Create predictions, and mark those whose messages the broker has confirmed."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import insert, or_, update
from sqlalchemy.orm import Session

from common.callers import AnyImage
from common.database.ids import new_id
from common.database.session import clock, execute, now
from common.predictions.constants import ANNOUNCE_GRACE, LOST_AFTER, within_deadline
from common.predictions.records import PredictionRecord
from common.tables import Prediction, State


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskRequest:
    """A task asked of an image, with an id given beforehand so that a replay can be recognised."""

    task: str
    params: dict[str, Any]
    deadline: float  # seconds
    interactive: bool = False
    caller_data: dict[str, Any] | None = None
    fresh: bool = False  # a result known already will not do
    wanted_model: str | None = None  # name@version; None: the task's default
    owner_id: UUID | None = None  # None: an anonymous caller
    webhook_url: str | None = None
    webhook_secret: str | None = None  # the caller's own
    id: UUID = field(default_factory=new_id)

    def deadline_at(self, at: datetime) -> datetime:
        """When it is too late, if it is asked `at` this time."""
        return at + timedelta(seconds=self.deadline)


# Prebuilt. It contains no SQL functions, so the driver sends many rows as one INSERT.
CREATE = insert(Prediction)


def create(
    session: Session, image: AnyImage, task_requests: Sequence[TaskRequest], at: datetime
) -> None:
    """Insert a queued prediction for each request, created at `at` by the database's clock."""
    create_all(session, [(image, each) for each in task_requests], at)


def create_all(
    session: Session, requests: Sequence[tuple[AnyImage, TaskRequest]], at: datetime
) -> None:
    """Insert queued predictions of several images in one INSERT."""
    if rows := [columns(image, task_request, at) for image, task_request in requests]:
        execute(session, CREATE, rows)


def create_alone(session: Session, request: TaskRequest) -> PredictionRecord:
    """Insert a queued prediction of a task that takes no image, and return it. Its owner may see
    it; an anonymous one is visible to everyone who knows its id.
    """
    at = clock(session)
    execute(session, CREATE, columns(None, request, at))
    return queued_record(None, request, at)


def queued_record(image: AnyImage | None, request: TaskRequest, at: datetime) -> PredictionRecord:
    """The record of a prediction that was just inserted; reading it back would cost 1 ms."""
    return PredictionRecord(
        id=request.id,
        task=request.task,
        image_id=image.id if image else None,
        params=request.params,
        caller_data=request.caller_data,
        state=State.QUEUED,
        attempts=0,
        model=None,
        result=None,
        error_code=None,
        error_detail=None,
        timings=None,
        created_at=at,
        started_at=None,
        finished_at=None,
        deadline_at=request.deadline_at(at),
        interactive=request.interactive,
        next_attempt_at=None,
        cached=False,
        owner_id=request.owner_id,
        image_owner_id=image.owner_id if image else None,
        image_visibility=image.visibility if image else None,
        image_posts=(image.posts or 0) if image else None,
    )


def columns(image: AnyImage | None, request: TaskRequest, at: datetime) -> dict[str, Any]:
    """The columns of a prediction that is created at `at`."""
    return {
        "id": request.id,
        "owner_id": request.owner_id,
        "task": request.task,
        "image_id": image.id if image else None,
        "sha256": image.sha256 if image else None,
        "params": request.params,
        "wanted_model": request.wanted_model,
        "metadata": request.caller_data,
        "interactive": request.interactive,
        "webhook_url": request.webhook_url,
        "webhook_secret": request.webhook_secret,
        "created_at": at,
        "deadline_at": request.deadline_at(at),
        "check_at": at + timedelta(seconds=ANNOUNCE_GRACE),
    }


def mark_announced(session: Session, ids: Sequence[UUID]) -> None:
    """Mark predictions whose messages the broker has confirmed. Rows that were claimed meanwhile do
    not change, nor those that failed and wait for a retry, which is not announced yet.
    """
    is_due = or_(Prediction.next_attempt_at.is_(None), Prediction.next_attempt_at <= now())
    execute(
        session,
        update(Prediction)
        .where(Prediction.id.in_(sorted(ids)), Prediction.state == State.QUEUED, is_due)
        .values(announced_at=now(), check_at=within_deadline(LOST_AFTER)),
    )
