"""Find what an id in a path names: what the caller may not see is a 404, as what does not exist."""

from typing import Any
from uuid import UUID

from sqlalchemy import Row, bindparam, select
from sqlalchemy.orm import Session

from api.predictions.projections import BY_ID, Shown, may_act_on, may_see_row
from api.state import current_user, services
from common.callers import may_see
from common.database.ids import parse_id
from common.database.session import execute, read
from common.errors import NotFound
from common.tables import Image, Prediction, StoredObject
from common.tasks import all_contracts

INTERNAL = [name for name, each in all_contracts().items() if each.internal]
# Built once: this is read for every image.
WHOSE = select(Image.owner_id, Image.visibility, Image.posts).where(Image.id == bindparam("image"))
WHOLE_IMAGE = (
    select(Image, StoredObject)
    .join(StoredObject, StoredObject.sha256 == Image.sha256)
    .where(Image.id == bindparam("image"))
)


def find_prediction(id: str) -> Row[Any]:
    """The prediction of this id; raises NotFound unless the caller may see its image."""
    key = parse_id(id)
    row = look_at(key) if key else None
    if row is None or not may_see_row(current_user(), row):
        raise no_such_prediction()
    return row


def find_my_prediction(id: str) -> Row[Any]:
    """A prediction that the caller may cancel, retry, or have told of again: see `may_act_on`."""
    row = find_prediction(id)
    if not may_act_on(current_user(), row):
        raise no_such_prediction()
    return row


def still_visible(row: Shown) -> Shown:
    """The row, read again after a wait; raises NotFound when its image was hidden meanwhile."""
    if not isinstance(row, Prediction) and not may_see_row(current_user(), row):
        raise no_such_prediction()
    return row


def no_such_prediction() -> NotFound:
    """It does not exist, or the caller may not see it."""
    return NotFound("There is no such prediction.", code="prediction_not_found")


def look_at(id: UUID) -> Row[Any] | None:
    """The row of a prediction; None when there is none."""
    return read(services().sessions, lambda session: execute(session, BY_ID, {"id": id}).first())


def look_again(id: UUID) -> Row[Any]:
    """The row of a prediction that existed before; raises NotFound when it was deleted."""
    if (row := look_at(id)) is None:
        raise no_such_prediction()
    return row


def find_image(id: str) -> tuple[Image, StoredObject]:
    """The image of this id and the object that holds its bytes."""
    key = parse_id(id)

    def look(session: Session) -> tuple[Image, StoredObject] | None:
        found = session.execute(WHOLE_IMAGE, {"image": key}).first()
        return (found[0], found[1]) if found else None

    pair = key and read(services().sessions, look)
    if not pair or not may_see(current_user(), pair[0]):
        raise no_such_image()
    return pair


def check_visible(id: UUID) -> None:
    """Raises NotFound when the image was hidden from the caller; ids of others than images pass."""
    wanted = {"image": id}
    row = read(services().sessions, lambda session: execute(session, WHOSE, wanted).first())
    if row and not may_see(current_user(), row):
        raise no_such_image()


def no_such_image() -> NotFound:
    """It does not exist, or the caller may not see it."""
    return NotFound("There is no such image.", code="image_not_found")
