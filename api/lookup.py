"""Find what an id in a path names; what is not there, or not to be seen, is a 404 alike."""

from uuid import UUID

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from api.context import services
from common.db import execute, read
from common.errors import NotFound
from common.ids import parse_id
from common.tables import Image, Prediction, State, StoredObject

STATE = select(Prediction.state).where(Prediction.id == bindparam("id"))  # built once: asked often


def find_prediction(id: str) -> Prediction:
    """The prediction of this id."""
    key = parse_id(id)
    row = key and read(services().sessions, lambda session: session.get(Prediction, key))
    if not row:
        raise NotFound("There is no such prediction.", code="prediction_not_found")
    return row


def is_final(id: UUID) -> bool:
    """Whether nothing will happen to this prediction any more; cheap, for those who wait."""
    state = read(services().sessions, lambda session: execute(session, STATE, {"id": id}).scalar())
    return state is None or State(state).is_final


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


def predictions_of(image: Image) -> list[Prediction]:
    """Everything asked of an image, in the order it was asked."""
    rows = select(Prediction).where(Prediction.image_id == image.id).order_by(Prediction.id)
    return read(services().sessions, lambda session: list(session.scalars(rows)))
