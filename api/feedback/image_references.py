"""Which images feedback means: by id or by file name; and what of it cannot be recorded."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

from sqlalchemy import bindparam, func, or_, select
from sqlalchemy.orm import Session

from api.feedback.schemas import LONGEST_NAME, VALUES
from common.callers import Caller, may_see
from common.database.ids import parse_id
from common.database.session import execute
from common.tables import Image, Visibility
from common.unicode import nfc

Given = tuple[str, str]  # an image as it was named, and what it was given as: positive, …

# Built once: making a statement costs as much as sending it.
BY_ID = select(Image).where(Image.id.in_(bindparam("ids", expanding=True)))
BY_NAME = (
    select(Image.file_name, func.max(Image.id).label("id"))
    .where(
        Image.file_name.in_(bindparam("names", expanding=True)),
        or_(Image.visibility == Visibility.PUBLIC, Image.posts > 0),
    )
    .group_by(Image.file_name)
)


def by_id(session: Session, caller: Caller, names: Iterable[str]) -> dict[str, UUID]:
    """Those of the names that are ids of images which the caller may see."""
    ids = {name: id for name in names if (id := parse_id(name))}
    if not ids:
        return {}
    images = session.scalars(BY_ID, {"ids": sorted(set(ids.values()))})
    seen = {image.id for image in images if may_see(caller, image)}
    return {name: id for name, id in ids.items() if id in seen}


def by_id_or_name(session: Session, caller: Caller, names: Iterable[str]) -> dict[str, UUID]:
    """The same, or the newest public images that are called so."""
    known = by_id(session, caller, names)
    # As file names are kept.
    others = {name: nfc(name, LONGEST_NAME) for name in set(names) - known.keys()}
    if not others:
        return known
    rows = execute(session, BY_NAME, {"names": sorted(set(others.values()))})
    called = {row.file_name: row.id for row in rows}
    return known | {name: called[kept] for name, kept in others.items() if kept in called}


def sort(
    images: Mapping[str, UUID], given: Sequence[Given]
) -> tuple[dict[str, list[UUID]], list[dict[str, str]]]:
    """The images by what they were given as, and what cannot be recorded."""
    votes: defaultdict[UUID, set[str]] = defaultdict(set)
    for name, kind in given:
        if name in images and kind in VALUES:
            votes[images[name]].add(kind)
    ids: defaultdict[str, list[UUID]] = defaultdict(list)
    rejected = []
    for name, kind in given:
        if name not in images:
            rejected.append(_rejected(name, kind, "image_not_found", "There is no such image."))
        elif kind in VALUES and len(votes[images[name]]) > 1:
            detail = "It is given as more than one of positive, negative and neutral."
            rejected.append(_rejected(name, kind, "image_contradictory", detail))
        else:
            ids[kind].append(images[name])
    return ids, rejected


def _rejected(name: str, kind: str, code: str, detail: str) -> dict[str, str]:
    return {"image": name, "given_as": kind, "code": code, "detail": detail}
