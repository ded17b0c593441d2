"""Find the prediction or image that an id in a path names.

What the caller may not see is answered with 404, like what does not exist.
"""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from api.predictions import access
from api.state import current_user, read
from common.callers import may_see
from common.database import session as database
from common.database.ids import parse_id
from common.database.session import Sessions, execute
from common.errors import NotFound
from common.predictions import PredictionRecord, find_record, find_records
from common.tables import Image, StoredObject
from common.tasks import all_contracts

INTERNAL = [name for name, each in all_contracts().items() if each.internal]
# Prebuilt: they run for every image that is read.
IMAGE_ACCESS = select(Image.owner_id, Image.visibility, Image.posts).where(
    Image.id == bindparam("image")
)
WHOLE_IMAGE = (
    select(Image, StoredObject)
    .join(StoredObject, StoredObject.sha256 == Image.sha256)
    .where(Image.id == bindparam("image"))
)


def find_prediction(id: str) -> PredictionRecord:
    """The prediction with this id; raises NotFound unless the caller may see it."""
    key = parse_id(id)
    record = _find_record(key) if key else None
    if record is None:
        raise no_such_prediction()
    return check_still_visible(record)


def find_my_prediction(id: str) -> PredictionRecord:
    """A prediction that the caller may cancel, retry or redeliver; otherwise raises NotFound."""
    record = find_prediction(id)
    if not access.may_act_on(current_user(), record):
        raise no_such_prediction()
    return record


def check_still_visible(record: PredictionRecord) -> PredictionRecord:
    """The same record; raises NotFound unless the caller may see it. Its image may have been made
    private while the caller waited.
    """
    if not access.may_see(current_user(), record):
        raise no_such_prediction()
    return record


def no_such_prediction() -> NotFound:
    """The error for a prediction that does not exist or that the caller may not see."""
    return NotFound("There is no such prediction.", code="prediction_not_found")


def reload_prediction(id: UUID) -> PredictionRecord:
    """The prediction as it is now; raises NotFound if it was deleted meanwhile."""
    if (record := _find_record(id)) is None:
        raise no_such_prediction()
    return record


def read_records(sessions: Sessions, ids: Sequence[UUID]) -> dict[UUID, PredictionRecord]:
    """The existing predictions among `ids`, by id, read in a session of its own."""
    return database.read(sessions, lambda session: find_records(session, ids))


def _find_record(id: UUID) -> PredictionRecord | None:
    return read(lambda session: find_record(session, id))


def find_image(id: str) -> tuple[Image, StoredObject]:
    """The image with this id and the object that holds its bytes; raises NotFound unless the
    caller may see it.
    """
    key = parse_id(id)

    def find(session: Session) -> tuple[Image, StoredObject] | None:
        row = session.execute(WHOLE_IMAGE, {"image": key}).first()
        return (row[0], row[1]) if row else None

    pair = key and read(find)
    if not pair or not may_see(current_user(), pair[0]):
        raise no_such_image()
    return pair


def check_visible(id: UUID) -> None:
    """Raise NotFound if the caller may not see the image; do nothing for an unknown id."""
    parameters = {"image": id}
    row = read(lambda session: execute(session, IMAGE_ACCESS, parameters).first())
    if row and not may_see(current_user(), row):
        raise no_such_image()


def no_such_image() -> NotFound:
    """The error for an image that does not exist or that the caller may not see."""
    return NotFound("There is no such image.", code="image_not_found")
