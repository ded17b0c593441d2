"""Lists of predictions, newest first: the caller's own, those of an image, and all for admins."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, bindparam, exists, or_, select
from sqlalchemy.orm import Session

from api.accounts.permissions import find_user, require_account
from api.http.pagination import Page, cut, read_cursor, write_cursor
from api.predictions.queries import INTERNAL, find_image
from api.state import current_user, read
from common.database.ids import LAST_ID
from common.database.rows import rows_as
from common.database.session import execute
from common.database.types import Id
from common.errors import Forbidden, NotFound
from common.predictions import PredictionRecord
from common.predictions.records import COLUMNS, IMAGE_COLUMNS
from common.social.lists import ListCursor
from common.tables import Image, Prediction, User, Visibility, WebhookDelivery

EXAMINED = 10_000  # rows that are examined for one filtered page; then the next page begins
# Without the hint MariaDB and MySQL may walk the primary key backwards, past all other rows.
BY_OWNER = "FORCE INDEX (ix_predictions_owner_id)"

_p = Prediction
_SCOPES: dict[str, ColumnElement[bool]] = {  # filters that have an index
    "owner": _p.owner_id == bindparam("owner", type_=Id),
    "image": _p.image_id == bindparam("image", type_=Id),
}
_THESE = _p.id.in_(bindparam("ids", expanding=True, type_=Id))
_for_caller = or_(
    _p.image_id.is_(None),
    Image.visibility != Visibility.PRIVATE,
    Image.posts > 0,
    Image.owner_id == bindparam("caller", type_=Id),
)
ALL_ROWS = (
    select(*COLUMNS, *IMAGE_COLUMNS, Image.file_name, User.name.label("user_name"))
    .outerjoin(Image, Image.id == _p.image_id)
    .outerjoin(User, User.id == _p.owner_id)
    .where(_THESE)
    .order_by(_p.id.desc())
)
ROWS = ALL_ROWS.where(_for_caller)
DELIVERIES = (
    select(WebhookDelivery)
    .where(WebhookDelivery.prediction_id.in_(bindparam("ids", expanding=True, type_=Id)))
    .order_by(WebhookDelivery.prediction_id.desc())
)


@dataclass(frozen=True, slots=True)
class HistoryEntry(PredictionRecord):
    """A prediction with the file name of its image and the name of its owner."""

    file_name: str | None = None
    user_name: str | None = None


def page(query: dict[str, Any]) -> Page[HistoryEntry]:
    """A page of predictions that match the query, each with its file name and its owner's name.

    Raises Unauthorized if an anonymous caller names no image that it may see, Forbidden if a caller
    without the admin role names another user, NotFound for an unknown user.
    """
    filters = _scope(query) | {
        name: query[name] for name in ("status", "task") if query[name] is not None
    }
    name = f"predictions of {current_user().id} {sorted(filters.items(), key=str)}"
    ids = find(name, query, filters)
    statement = ALL_ROWS if current_user().is_admin else ROWS
    return Page(_entries(statement, ids.items), ids.next)


def deliveries_page(query: dict[str, Any]) -> Page[WebhookDelivery]:
    """A page of the webhook deliveries for the caller's predictions."""
    ids = find(
        f"deliveries of {require_account()}", query, {"owner": require_account(), "webhook": True}
    )
    parameters = {"ids": ids.items}
    rows = read(lambda session: list(session.scalars(DELIVERIES, parameters)))
    return Page(rows, ids.next)


def find(name: str, query: dict[str, Any], filters: dict[str, Any]) -> Page[UUID]:
    """A page of the list `name`: the ids of at most `limit` predictions that match all filters."""
    cursor, limit = query["cursor"], query["limit"]
    before = LAST_ID if cursor is None else read_cursor(name, cursor).id
    parameters = filters | {"before": before, "limit": limit + 1}
    matching, last_examined = statements(frozenset(filters))

    def cursor_of(id: UUID) -> str:
        return write_cursor(name, ListCursor(0, id))

    def read_ids(session: Session) -> Page[UUID]:
        ids = cut([row.id for row in execute(session, matching, parameters)], limit, cursor_of)
        if ids.next or last_examined is None:
            return ids
        last = execute(session, last_examined, parameters).first()
        return Page(ids.items, cursor_of(last.id)) if last else ids

    return read(read_ids)


@lru_cache(maxsize=64)
def statements(filters: frozenset[str]) -> tuple[Any, Any]:
    """Two statements for these filters: the ids of a page, and the last row that it examines.

    An index leads to the newest rows of a scope; other filters are applied to EXAMINED of them, so
    that a rare match costs no more than a frequent one. Without other filters the
    second statement is missing (None).
    """
    scope = [condition for name, condition in _SCOPES.items() if name in filters]
    in_scope = select(_p.id, _p.state, _p.task).where(*scope, _p.id < bindparam("before", type_=Id))
    if filters & _SCOPES.keys() == {"owner"}:
        in_scope = in_scope.with_hint(_p, BY_OWNER, "mysql")
    in_scope = in_scope.order_by(_p.id.desc())
    is_public = _p.task.not_in(INTERNAL)
    if not filters - _SCOPES.keys():
        return in_scope.where(is_public).limit(bindparam("limit")), None
    examined = in_scope.limit(EXAMINED).subquery()
    conditions = {
        "status": examined.c.state == bindparam("status"),
        "task": examined.c.task == bindparam("task"),
        "webhook": exists().where(WebhookDelivery.prediction_id == examined.c.id),
    }
    matches = [condition for name, condition in conditions.items() if name in filters]
    chosen = select(examined.c.id).where(*matches, examined.c.task.not_in(INTERNAL))
    page = chosen.order_by(examined.c.id.desc()).limit(bindparam("limit"))
    return page, in_scope.offset(EXAMINED - 1).limit(1)


def _scope(query: dict[str, Any]) -> dict[str, Any]:
    """The indexed filters: an image that the caller may see, the caller, or, for admins, any user
    or none.
    """
    image, user = query["image_id"], query["user"]
    scope = {} if image is None else {"image": image}
    if user is None and image is not None and _may_see(image):
        return scope
    caller_id = require_account()
    if current_user().is_admin:
        return scope if user is None else scope | {"owner": find_user(user)}
    if user is not None and user != current_user().name:
        raise Forbidden("Only admins may list the predictions of other users.", code="admins_only")
    return scope | {"owner": caller_id}


def _may_see(image: UUID) -> bool:
    try:
        find_image(str(image))
    except NotFound:
        return False
    return True


def _entries(statement: Any, ids: list[UUID]) -> list[HistoryEntry]:
    if not ids:
        return []
    parameters = {"ids": ids, "caller": current_user().id}
    return read(
        lambda session: rows_as(HistoryEntry, execute(session, statement, parameters)),
    )
