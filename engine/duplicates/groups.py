"""Group an account's images with their copies, each image once.

An image joins a group only as a copy of the group's first image, which is the one that was compared
first; if it was deleted, of the oldest one left. Groups therefore do not grow by
chains, in which each picture is a copy of the next but the first and the last differ.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import bindparam, case, exists, func, select, update
from sqlalchemy.orm import Session

from common.database.ids import new_id
from common.database.rows import rows_as
from common.database.session import Sessions, execute, insert_missing, read, transact
from common.database.types import Id
from common.search.outbox import note_changed
from common.tables import ComparedImage, Image, Prediction, State, User
from common.tasks.embed import CONTRACT as EMBED
from common.tasks.fingerprint import CONTRACT as FINGERPRINT
from engine.duplicates.copies import Copy, find_own_copies
from engine.index.store import Index

AT_ONCE = 50  # images that one statement looks up
NEEDED = (EMBED.name, FINGERPRINT.name)
UNFINISHED = (State.QUEUED, State.PROCESSING)

_i, _m, _p = Image, ComparedImage, Prediction
NEXT = (
    select(_i.id)
    # Without the hint, MariaDB and MySQL may walk the primary key past all owners' images.
    .with_hint(_i, "FORCE INDEX (ix_images_owner_id)", "mysql")
    .where(
        _i.owner_id == bindparam("owner", type_=Id),
        _i.id > bindparam("after", type_=Id),
        ~exists().where(_m.image_id == _i.id),
    )
    .order_by(_i.id)
    .limit(AT_ONCE)
)
STATES = select(_p.image_id, _p.task, _p.state).where(
    _p.image_id.in_(bindparam("images", expanding=True)), _p.task.in_(NEEDED)
)


class TaskState(NamedTuple):
    """The columns of STATES, in order."""

    image_id: UUID
    task: str
    state: str


class Membership(NamedTuple):
    """An image that has been compared, and its group."""

    image_id: UUID
    group_id: UUID | None


def next_images(sessions: Sessions, owner: UUID, after: UUID) -> list[UUID]:
    """Return the account's next images that have not been compared, by id."""
    parameters = {"owner": owner, "after": after}
    return list(read(sessions, lambda s: execute(s, NEXT, parameters).scalars().all()))


def comparable(sessions: Sessions, images: Sequence[UUID]) -> list[UUID]:
    """Return those of the images that can be compared now, or never: what their comparison needs
    is there, or has failed. What was never requested is requested through the index.
    """
    rows = read(sessions, lambda s: rows_as(TaskState, execute(s, STATES, {"images": images})))
    by_image: dict[UUID, dict[str, set[str]]] = {id: {} for id in images}
    for row in rows:
        by_image[row.image_id].setdefault(row.task, set()).add(row.state)
    missing = [id for id, tasks in by_image.items() if len(tasks) < len(NEEDED)]
    transact(sessions, lambda session: note_changed(session, missing))
    return [
        id
        for id, tasks in by_image.items()
        if id not in missing and all(map(_is_settled, tasks.values()))
    ]


def _is_settled(states: set[str]) -> bool:
    return State.SUCCEEDED in states or states.isdisjoint(UNFINISHED)


def compare_image(sessions: Sessions, index: Index, owner: UUID, image: UUID) -> bool:
    """Find the image's copies among those of its owner, and note its group. Return False if the
    image is not in the index yet.

    Raises IndexUnavailable. Repeating it has no effect.
    """
    found = find_own_copies(sessions, index, image, owner)
    if found is None:
        return False
    copies = {each.image: each for each in found}
    transact(sessions, lambda session: _note(session, owner, image, copies))
    return True


def _note(session: Session, owner: UUID, image: UUID, copies: dict[UUID, Copy]) -> None:
    # One at a time for each account: of two copies, the second one finds the first one's row.
    execute(session, select(User.id).where(User.id == owner).with_for_update())
    this = select(_i.id).where(_i.id == image).with_for_update(read=True)
    if execute(session, this).first() is None:
        return  # deleted meanwhile
    row: dict[str, Any] = {"image_id": image, "owner_id": owner, "group_id": None}
    if first := _best_group(session, owner, copies):
        row |= _joined(first, copies[first.image_id])
        alone = update(_m).where(_m.image_id == first.image_id, _m.group_id.is_(None))
        execute(session, alone.values(group_id=row["group_id"]))
    execute(session, insert_missing(_m), row)


def _joined(first: Membership, copy: Copy) -> dict[str, Any]:
    """Return the columns of an image that joins the group of `first`, or begins one with it."""
    found = copy.comparison
    return {
        "group_id": first.group_id or new_id(),
        "hash_distance": found.bits if found else None,
        "common_part": found.share if found else None,
    }


def _best_group(session: Session, owner: UUID, copies: dict[UUID, Copy]) -> Membership | None:
    """Return the first image of the group to join, or an image without copies until now; None if no
    compared image is a copy.
    """
    mine = _m.owner_id == owner
    rows = select(_m.image_id, _m.group_id).where(mine, _m.image_id.in_(sorted(copies)))
    members = rows_as(Membership, execute(session, rows)) if copies else []
    groups = {each.group_id for each in members if each.group_id}
    first = func.min(case((_m.hash_distance.is_(None), _m.image_id)), type_=Id)
    first_left = func.coalesce(first, func.min(_m.image_id, type_=Id), type_=Id)
    by_group = (
        select(first_left.label("image_id"), _m.group_id)
        .where(mine, _m.group_id.in_(sorted(groups)))
        .group_by(_m.group_id)
    )
    firsts = rows_as(Membership, execute(session, by_group)) if groups else []
    candidates = [each for each in members if each.group_id is None]
    candidates += [each for each in firsts if each.image_id in copies]
    return max(candidates, key=lambda each: copies[each.image_id].similarity, default=None)
