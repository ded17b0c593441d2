"""Create predictions, and note which of them the broker has taken."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy import insert, update
from sqlalchemy.orm import Session

from common.db import now
from common.ids import new_id
from common.predictions.rules import ANNOUNCE_GRACE, LOST_AFTER, within_deadline
from common.tables import Image, Prediction, State


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """A task asked of an image, with an id given beforehand so that a replay can be recognised."""

    task: str
    params: dict[str, Any]
    deadline: float  # seconds
    interactive: bool = False
    caller_data: dict[str, Any] | None = None
    id: UUID = field(default_factory=new_id)


def create(session: Session, image: Image, asks: Sequence[Ask]) -> None:
    """Write one queued row an ask."""
    for ask in asks:
        session.execute(
            insert(Prediction).values(
                id=ask.id,
                task=ask.task,
                image_id=image.id,
                sha256=image.sha256,
                params=ask.params,
                caller_data=ask.caller_data,
                interactive=ask.interactive,
                visibility=image.visibility,
                deadline_at=now(ask.deadline),
                check_at=now(ANNOUNCE_GRACE),
            )
        )


def mark_announced(session: Session, ids: Sequence[UUID]) -> None:
    """The broker confirmed these messages; rows already claimed meanwhile are left alone."""
    session.execute(
        update(Prediction)
        .where(Prediction.id.in_(sorted(ids)), Prediction.state == State.QUEUED)
        .values(announced_at=now(), check_at=within_deadline(LOST_AFTER))
    )
