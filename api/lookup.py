"""Find what an id in a path names; what is not there, or not to be seen, is a 404 alike."""

from uuid import UUID

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from api.context import current_user, services
from api.rows import BY_ID, SHOWN, Shown
from common.callers import may_see
from common.db import execute, read
from common.errors import NotFound
from common.ids import parse_id
from common.tables import Image, Prediction, StoredObject, Visibility
from common.tasks import all_contracts

INTERNAL = [name for name, each in all_contracts().items() if each.internal]
# Built once: these are read for every image.
OF_IMAGE = (
    select(*SHOWN)
    .where(Prediction.image_id == bindparam("image"), Prediction.task.not_in(INTERNAL))
    .order_by(Prediction.id)
)
WHOSE = select(Image.owner_id, Image.visibility, Image.posts).where(Image.id == bindparam("image"))
WHOLE_IMAGE = (
    select(Image, StoredObject)
    .join(StoredObject, StoredObject.sha256 == Image.sha256)
    .where(Image.id == bindparam("image"))
)


def find_prediction(id: str) -> Shown:
    """What is shown of the prediction of this id, to whom its image is shown."""
    key = parse_id(id)
    row = look_at(key) if key else None
    # Most are seen by what they say themselves; to look at the image costs as much again.
    if not row or not (row.visibility != Visibility.PRIVATE or _may_see_private(row)):
        raise no_such_prediction()
    return row


def find_my_prediction(id: str) -> Shown:
    """A prediction that the caller may cancel or have done again: what they have asked for.
    Nobody's is for whoever has its id.
    """
    row, caller = find_prediction(id), current_user()
    if row.owner_id not in (None, caller.id) and not caller.is_admin:
        raise no_such_prediction()
    return row


def no_such_prediction() -> NotFound:
    """It is not there, or not the caller's to see."""
    return NotFound("There is no such prediction.", code="prediction_not_found")


def _may_see_private(row: Shown) -> bool:
    """Whether the caller may see it although it is not everybody's: while posts show its image it
    is, and one that is of no image is for who asked.
    """
    caller = current_user()
    if row.image_id is None:
        return row.owner_id in (None, caller.id) or caller.is_admin
    image = {"image": row.image_id}
    found = read(services().sessions, lambda session: execute(session, WHOSE, image).first())
    return found is not None and may_see(caller, found)


def look_at(id: UUID) -> Shown | None:
    """What is shown of a prediction; None when there is none."""
    return read(services().sessions, lambda session: execute(session, BY_ID, {"id": id}).first())


def look_again(id: UUID) -> Shown:
    """What is shown of a prediction that was there; raises NotFound when it is gone by now."""
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


def no_such_image() -> NotFound:
    """It is not there, or not the caller's to see."""
    return NotFound("There is no such image.", code="image_not_found")


def predictions_of(image: Image) -> list[Shown]:
    """Everything asked of an image, in the order it was asked."""
    wanted = {"image": image.id}
    return read(services().sessions, lambda session: list(execute(session, OF_IMAGE, wanted).all()))
