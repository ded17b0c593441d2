"""Search results in views of predictions: only images that the caller may see now."""

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from api.state import read
from common.callers import Caller, listed_for
from common.database.session import execute
from common.tables import Image
from common.tasks.search import CONTRACT

AT_ONCE = 500  # images that one statement looks up

View = dict[str, Any]


def without_hidden(caller: Caller, views: Sequence[View]) -> list[View]:
    """The views of predictions; results of searches without images that were deleted or that the
    caller may no longer find.
    """
    named = {UUID(item["image_id"]) for view in views for item in _items(view)}
    if not named:
        return list(views)
    listed = {str(id) for id in read(lambda s: _listed(s, caller, named))}
    return [_only(view, listed) for view in views]


def _items(view: View) -> list[View]:
    is_search = view["task"] == CONTRACT.name and view["result"]
    return view["result"]["items"] if is_search else []


def _listed(session: Session, caller: Caller, ids: Iterable[UUID]) -> list[UUID]:
    listed, all_ids = list[UUID](), sorted(ids)
    for start in range(0, len(all_ids), AT_ONCE):
        some = all_ids[start : start + AT_ONCE]
        statement = select(Image.id).where(Image.id.in_(some), listed_for(caller))
        listed += execute(session, statement).scalars()
    return listed


def _only(view: View, listed: set[str]) -> View:
    if not _items(view):
        return view
    items = [item for item in _items(view) if item["image_id"] in listed]
    return view | {"result": view["result"] | {"items": items}}
