"""The limit on unfinished predictions that a caller may have of another owner's image."""

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
# Prebuilt. Anonymous callers count as one.
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


def is_limited(caller: Caller, image: AnyImage) -> bool:
    """Whether the limit applies: to callers without the admin role and images of other owners. An
    unlisted anonymous image counts as everyone's own.
    """
    if caller.is_admin:
        return False
    if image.owner_id is None:
        return image.visibility != Visibility.UNLISTED
    return image.owner_id != caller.id


def room(session: Session, caller: Caller, images: Iterable[AnyImage]) -> dict[UUID, int]:
    """By image: how many more predictions the caller may create; only images with a limit."""
    limited = [image.id for image in images if is_limited(caller, image)]
    wanted = {"images": sorted(limited), "owner": caller.id}
    used = dict[UUID, int]()
    if limited:
        used = {row.image_id: row.open for row in execute(session, OPEN, wanted)}
    return {id: max(0, MOST_OPEN - used.get(id, 0)) for id in limited}


def check_room(session: Session, caller: Caller, image: AnyImage, task_requests: int) -> None:
    """Raise Conflict if that many more predictions would exceed the limit."""
    left = room(session, caller, [image])
    if task_requests > left.get(image.id, task_requests):
        code, detail = CROWDED
        raise Conflict(detail, code=code)
