"""How many open predictions one caller may have of somebody else's image."""

from collections.abc import Iterable
from uuid import UUID

from sqlalchemy import bindparam, func, select
from sqlalchemy.orm import Session

from common.callers import AnyImage, Caller
from common.database.session import execute
from common.database.types import Id
from common.errors import Conflict
from common.tables import Prediction, Visibility
from common.tasks import image_tasks

MOST_OPEN = 100  # predictions that are queued or being processed
CROWDED = (
    "too_many_open",
    f"You have {MOST_OPEN} unfinished predictions of this image, which is not yours; wait until "
    "some of them have finished.",
)

_p = Prediction
# Built once: making a statement costs as much as sending it. Anonymous callers count as one.
OPEN = (
    select(_p.image_id, func.count().label("open"))
    .where(
        _p.image_id.in_(bindparam("images", expanding=True)),
        _p.task.in_(list(image_tasks())),
        _p.owner_id.is_not_distinct_from(bindparam("owner", type_=Id)),
        _p.check_at.isnot(None),  # not final
    )
    .group_by(_p.image_id)
)


def is_anothers(caller: Caller, image: AnyImage) -> bool:
    """Whether the cap holds for the caller: the image is not theirs, and they are no admin. An
    anonymous caller's unlisted image belongs to everyone who has its id.
    """
    if caller.is_admin:
        return False
    if image.owner_id is None:
        return image.visibility != Visibility.UNLISTED
    return image.owner_id != caller.id


def room(session: Session, caller: Caller, images: Iterable[AnyImage]) -> dict[UUID, int]:
    """How many more predictions the caller may ask of each of those images that are not theirs."""
    theirs = [image.id for image in images if is_anothers(caller, image)]
    wanted = {"images": sorted(theirs), "owner": caller.id}
    used = dict[UUID, int]()
    if theirs:
        used = {row.image_id: row.open for row in execute(session, OPEN, wanted)}
    return {id: max(0, MOST_OPEN - used.get(id, 0)) for id in theirs}


def check_room(session: Session, caller: Caller, image: AnyImage, task_requests: int) -> None:
    """Raises Conflict when that many more would be over the cap."""
    left = room(session, caller, [image])
    if task_requests > left.get(image.id, task_requests):
        code, detail = CROWDED
        raise Conflict(detail, code=code)
