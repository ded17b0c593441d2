"""Find the images that feedback names by id or file name; collect the names to reject."""

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

Entry = tuple[
    str, str
]  # the image as it was sent, and its kind: positive, negative, neutral, clicks

BY_ID = select(Image).where(Image.id.in_(bindparam("ids", expanding=True)))
BY_NAME = (
    select(Image.file_name, func.max(Image.id).label("id"))
    .where(
        Image.file_name.in_(bindparam("names", expanding=True)),
        or_(Image.visibility == Visibility.PUBLIC, Image.posts > 0),
    )
    .group_by(Image.file_name)
)


def find_by_id(session: Session, caller: Caller, names: Iterable[str]) -> dict[str, UUID]:
    """Return the image ids by name, for the names that are ids of images visible to the caller."""
    ids = {name: id for name in names if (id := parse_id(name))}
    if not ids:
        return {}
    images = session.scalars(BY_ID, {"ids": sorted(set(ids.values()))})
    visible = {image.id for image in images if may_see(caller, image)}
    return {name: id for name, id in ids.items() if id in visible}


def find_by_id_or_name(session: Session, caller: Caller, names: Iterable[str]) -> dict[str, UUID]:
    """Return the image ids by name: as `find_by_id`, or else the newest public image whose file
    has this name.
    """
    by_id = find_by_id(session, caller, names)
    # File names are stored in NFC and truncated.
    file_names = {name: nfc(name, LONGEST_NAME) for name in set(names) - by_id.keys()}
    if not file_names:
        return by_id
    rows = execute(session, BY_NAME, {"names": sorted(set(file_names.values()))})
    ids = {row.file_name: row.id for row in rows}
    by_name = {name: ids[stored] for name, stored in file_names.items() if stored in ids}
    return by_id | by_name


def sort_entries(
    images: Mapping[str, UUID], entries: Sequence[Entry]
) -> tuple[dict[str, list[UUID]], list[dict[str, str]]]:
    """Return the image ids by kind, and the rejected entries with a code and a detail.

    An entry is rejected if its image is unknown or if it has more than one vote.
    """
    votes: defaultdict[UUID, set[str]] = defaultdict(set)
    for name, kind in entries:
        if name in images and kind in VALUES:
            votes[images[name]].add(kind)
    ids: defaultdict[str, list[UUID]] = defaultdict(list)
    rejected = []
    for name, kind in entries:
        if name not in images:
            detail = "No image with this id or name exists."
            rejected.append(_rejected(name, kind, "image_not_found", detail))
        elif kind in VALUES and len(votes[images[name]]) > 1:
            detail = "The image has more than one of positive, negative and neutral. Send one."
            rejected.append(_rejected(name, kind, "image_contradictory", detail))
        else:
            ids[kind].append(images[name])
    return ids, rejected


def _rejected(name: str, kind: str, code: str, detail: str) -> dict[str, str]:
    return {"image": name, "given_as": kind, "code": code, "detail": detail}
