"""Groups of copies among the caller's own images, as far as the images have been compared."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import bindparam, func, select
from sqlalchemy.orm import Session

from api.accounts.permissions import require_account
from api.http.pagination import Page, by_id, read_signed_page
from api.limits import quotas
from api.predictions.requests import wait_for
from api.state import app_state, read, write
from common.database.rows import rows_as
from common.database.session import execute
from common.database.types import Id
from common.images.records import StoredImage
from common.predictions import PredictionRecord, TaskRequest, create_alone
from common.social.lists import ListCursor
from common.tables import ComparedImage, Image, Prediction, State, StoredObject
from common.tasks.compare import CONTRACT

MOST_SHOWN = 50  # images of a group
PATIENCE = 5.0  # seconds that a request waits for the comparison of new images
COMPARING = "{} of your images are not compared yet: repeat the request later."
NOTHING = "None of your images is a copy of another one."

_i, _m, _p = Image, ComparedImage, Prediction
_mine = _m.owner_id == bindparam("owner", type_=Id)
GROUPS = (
    select(_m.group_id.label("id"), func.count().label("count"))
    .where(_mine, _m.group_id < bindparam("before", type_=Id))
    .group_by(_m.group_id)
    .having(func.count() > 1)
    .order_by(_m.group_id.desc())
    .limit(bindparam("most"))
)
_ranked = (
    select(
        _m.image_id,
        _m.group_id,
        _m.hash_distance,
        _m.common_part,
        func.row_number()
        .over(partition_by=_m.group_id, order_by=(_m.hash_distance.is_not(None), _m.image_id))
        .label("place"),
    )
    .where(_mine, _m.group_id.in_(bindparam("groups", expanding=True)))
    .subquery()
)
MEMBERS = (
    select(
        _i.id, _i.file_name, _i.width, _i.height, _i.sha256, _i.visibility, _i.created_at,
        StoredObject.size, StoredObject.media_type,
        _ranked.c.group_id, _ranked.c.hash_distance, _ranked.c.common_part,
    )
    .join(_ranked, _ranked.c.image_id == _i.id)
    .join(StoredObject, StoredObject.sha256 == _i.sha256)
    .where(_ranked.c.place <= MOST_SHOWN)
    .order_by(_ranked.c.place)
)  # fmt: skip
IMAGES = select(func.count()).select_from(_i).where(_i.owner_id == bindparam("owner", type_=Id))
COMPARED = select(func.count()).select_from(_m).where(_mine)
RUNNING = (
    select(_p.id)
    .where(
        _p.task == CONTRACT.name,
        _p.owner_id == bindparam("owner", type_=Id),
        _p.state.in_((State.QUEUED, State.PROCESSING)),
    )
    .limit(1)
)


class Member(NamedTuple):
    """The columns of MEMBERS, in order: an image of a group, and its distance from the first."""

    id: UUID
    file_name: str
    width: int
    height: int
    sha256: bytes
    visibility: str
    created_at: datetime
    size: int
    media_type: str
    group_id: UUID
    hash_distance: int | None
    common_part: float | None

    @property
    def image(self) -> StoredImage:
        """The image alone."""
        return StoredImage(
            self.id, self.file_name, self.width, self.height, self.sha256, self.visibility,
            self.created_at, self.size, self.media_type,
        )  # fmt: skip


@dataclass(slots=True)
class CopyGroup:
    """A group of copies, and MOST_SHOWN of its images: the first, then by age."""

    id: UUID
    count: int
    members: list[Member] = field(default_factory=list)


def page(query: dict[str, Any]) -> tuple[Page[CopyGroup], int]:
    """A page of the caller's groups, the newest first, and the number of images that have not been
    compared. The first page waits a moment for those.
    """
    owner = require_account()
    pending = read(partial(_count_pending, owner=owner))
    if pending and query["cursor"] is None:
        _compare(owner)
        pending = read(partial(_count_pending, owner=owner))

    def fetch(session: Session, after: ListCursor, limit: int) -> list[CopyGroup]:
        return _read_groups(session, owner, after.id, limit)

    return read_signed_page(query, f"groups of {owner}", fetch, by_id), pending


def detail_of(groups: Sequence[CopyGroup], pending: int) -> str | None:
    """Why groups may be missing from a page with these groups; or None."""
    if pending:
        return COMPARING.format(pending)
    return None if groups else NOTHING


def _read_groups(session: Session, owner: UUID, before: UUID, limit: int) -> list[CopyGroup]:
    parameters = {"owner": owner, "before": before, "most": limit}
    groups = rows_as(CopyGroup, execute(session, GROUPS, parameters))
    if groups:
        by_id = {each.id: each for each in groups}
        these = {"owner": owner, "groups": list(by_id)}
        for member in rows_as(Member, execute(session, MEMBERS, these)):
            by_id[member.group_id].members.append(member)
    return groups


def _count_pending(session: Session, owner: UUID) -> int:
    images = execute(session, IMAGES, {"owner": owner}).scalar() or 0
    return max(0, images - (execute(session, COMPARED, {"owner": owner}).scalar() or 0))


def _compare(owner: UUID) -> None:
    """Start the comparison of the account's images, unless it is running, and wait a moment."""
    if read(lambda session: execute(session, RUNNING, {"owner": owner}).first()):
        return
    app_state().queue_estimates.admit(CONTRACT.name, interactive=True)
    units = CONTRACT.units()
    with quotas.work(units) as work:
        record = write(partial(_create, owner=owner))
        work.spent = units
    app_state().announcer.announce(record.id, record.task, interactive=True)
    wait_for([record], PATIENCE)


def _create(session: Session, owner: UUID) -> PredictionRecord:
    task_request = TaskRequest(
        task=CONTRACT.name,
        params={"owner_id": str(owner)},
        deadline=CONTRACT.deadline,
        interactive=True,
        owner_id=owner,
    )
    return create_alone(session, task_request)
