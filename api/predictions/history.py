"""What was asked, page by page, the newest first: a caller's own, what was asked of an image, and
everything for admins."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, bindparam, exists, or_, select
from sqlalchemy.orm import Session

from api.accounts.permissions import find_user, require_account
from api.http.pagination import read_cursor, write_cursor
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

LOOKED_AT = 10_000  # rows that a page of some of them is looked for in; then the next page begins
# Left to themselves, MariaDB and MySQL may walk the primary key backwards, past everybody's rows.
BY_OWNER = "FORCE INDEX (ix_predictions_owner_id)"

_p = Prediction
_SCOPES: dict[str, ColumnElement[bool]] = {  # what an index leads to
    "owner": _p.owner_id == bindparam("owner", type_=Id),
    "image": _p.image_id == bindparam("image", type_=Id),
}
# Built once: making a statement costs as much as sending it.
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


@dataclass(frozen=True, slots=True)
class Found:
    """The ids of a page, and behind which id the next one begins; None: this was the last one."""

    ids: list[UUID]
    after: UUID | None


def page(query: dict[str, Any]) -> tuple[list[HistoryEntry], str | None]:
    """Predictions as the query wants them, each with its file name and who asked.

    Raises Unauthorized for anonymous callers who name no image that they may see, Forbidden when a
    caller who is no admin names another user, NotFound for an unknown user.
    """
    wanted = _scope(query) | {
        name: query[name] for name in ("status", "task") if query[name] is not None
    }
    name = f"predictions of {current_user().id} {sorted(wanted.items(), key=str)}"
    found = find(name, query, wanted)
    statement = ALL_ROWS if current_user().is_admin else ROWS
    return _entries(statement, found.ids), _cursor(name, found)


def deliveries_page(query: dict[str, Any]) -> tuple[list[WebhookDelivery], str | None]:
    """The deliveries of what the caller has asked for."""
    name = f"deliveries of {require_account()}"
    found = find(name, query, {"owner": require_account(), "webhook": True})
    ids = {"ids": found.ids}
    rows = read(lambda session: list(session.scalars(DELIVERIES, ids)))
    return rows, _cursor(name, found)


def find(name: str, query: dict[str, Any], wanted: dict[str, Any]) -> Found:
    """A page of the list `name`: at most `limit` ids of what meets all of `wanted`."""
    cursor, most = query["cursor"], query["limit"]
    before = LAST_ID if cursor is None else read_cursor(name, cursor).id
    about = wanted | {"before": before, "most": most + 1}
    page, rest = statements(frozenset(wanted))

    def look(session: Session) -> Found:
        ids = [row.id for row in execute(session, page, about)]
        if len(ids) > most:
            return Found(ids[:most], ids[most - 1])
        last = execute(session, rest, about).first() if rest is not None else None
        return Found(ids, last.id if last else None)

    return read(look)


@lru_cache(maxsize=64)
def statements(wanted: frozenset[str]) -> tuple[Any, Any]:
    """What finds a page of what meets these conditions, and the last row that it looked at.

    An index leads to the newest of a scope; what else is wanted is looked for in LOOKED_AT of them,
    so that rare things cost no more than others.
    """
    scope = [condition for name, condition in _SCOPES.items() if name in wanted]
    in_scope = select(_p.id, _p.state, _p.task).where(*scope, _p.id < bindparam("before", type_=Id))
    if wanted & _SCOPES.keys() == {"owner"}:
        in_scope = in_scope.with_hint(_p, BY_OWNER, "mysql")
    in_scope = in_scope.order_by(_p.id.desc())
    seen = _p.task.not_in(INTERNAL)
    if not wanted - _SCOPES.keys():
        return in_scope.where(seen).limit(bindparam("most")), None
    looked = in_scope.limit(LOOKED_AT).subquery()
    conditions = {
        "status": looked.c.state == bindparam("status"),
        "task": looked.c.task == bindparam("task"),
        "webhook": exists().where(WebhookDelivery.prediction_id == looked.c.id),
    }
    meets = [condition for name, condition in conditions.items() if name in wanted]
    chosen = select(looked.c.id).where(*meets, looked.c.task.not_in(INTERNAL))
    page = chosen.order_by(looked.c.id.desc()).limit(bindparam("most"))
    return page, in_scope.offset(LOOKED_AT - 1).limit(1)


def _scope(query: dict[str, Any]) -> dict[str, Any]:
    """Which rows are meant: the caller's own, those of an image that they may see, for admins
    everybody's or a user's.
    """
    image, user = query["image_id"], query["user"]
    scope = {} if image is None else {"image": image}
    if user is None and image is not None and _may_see(image):
        return scope
    mine = require_account()
    if current_user().is_admin:
        return scope if user is None else scope | {"owner": find_user(user)}
    if user is not None and user != current_user().name:
        raise Forbidden("Only admins may look at what others have asked.", code="admins_only")
    return scope | {"owner": mine}


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


def _cursor(name: str, found: Found) -> str | None:
    return write_cursor(name, ListCursor(0, found.after)) if found.after else None
