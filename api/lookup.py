"""Find what an id in a path names; what is not there, or not to be seen, is a 404 alike."""

from typing import Any
from uuid import UUID

from sqlalchemy import Row, bindparam, select
from sqlalchemy.orm import Session

from api.context import services
from common.db import execute, read
from common.errors import NotFound
from common.ids import parse_id
from common.tables import Image, Prediction, StoredObject
from common.tasks import all_contracts

INTERNAL = [name for name, each in all_contracts().items() if each.internal]
# Rows instead of objects, and statements built once: these are read for every image.
SHOWN = (
    Prediction.id, Prediction.task, Prediction.image_id, Prediction.params,
    Prediction.caller_data.label("caller_data"), Prediction.state, Prediction.attempts,
    Prediction.model, Prediction.result, Prediction.error_code, Prediction.error_detail,
    Prediction.timings, Prediction.created_at, Prediction.started_at, Prediction.finished_at,
    Prediction.deadline_at, Prediction.interactive, Prediction.next_attempt_at,
    Prediction.cached,
)  # fmt: skip
BY_ID = select(*SHOWN).where(Prediction.id == bindparam("id"))
OF_IMAGE = (
    select(*SHOWN)
    .where(Prediction.image_id == bindparam("image"), Prediction.task.not_in(INTERNAL))
    .order_by(Prediction.id)
)

Shown = Prediction | Row[Any]  # what is shown of a prediction


def find_prediction(id: str) -> Shown:
    """What is shown of the prediction of this id."""
    key = parse_id(id)
    row = look_at(key) if key else None
    if not row:
        raise NotFound("There is no such prediction.", code="prediction_not_found")
    return row


def look_at(id: UUID) -> Shown | None:
    """What is shown of a prediction; None when there is none."""
    return read(services().sessions, lambda session: execute(session, BY_ID, {"id": id}).first())


def find_image(id: str) -> tuple[Image, StoredObject]:
    """The image of this id and the object that holds its bytes."""
    key = parse_id(id)

    def look(session: Session) -> tuple[Image, StoredObject] | None:
        found = session.execute(
            select(Image, StoredObject)
            .join(StoredObject, StoredObject.sha256 == Image.sha256)
            .where(Image.id == key)
        ).first()
        return (found[0], found[1]) if found else None

    pair = key and read(services().sessions, look)
    if not pair:
        raise NotFound("There is no such image.", code="image_not_found")
    return pair


def predictions_of(image: Image) -> list[Shown]:
    """Everything asked of an image, in the order it was asked."""
    wanted = {"image": image.id}
    return read(services().sessions, lambda session: list(execute(session, OF_IMAGE, wanted).all()))
