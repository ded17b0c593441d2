"""The columns of a prediction that are shown, and who may see a row and act on it."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, bindparam, select
from sqlalchemy.orm import Session

from common.callers import Caller
from common.database.session import Sessions, execute, read
from common.tables import Image, Prediction, State, Visibility

# Rows instead of objects, and statements built once: these are read for every image.
SHOWN = (
    Prediction.id, Prediction.task, Prediction.image_id, Prediction.params,
    Prediction.caller_data.label("caller_data"), Prediction.state, Prediction.attempts,
    Prediction.model, Prediction.result, Prediction.error_code, Prediction.error_detail,
    Prediction.timings, Prediction.created_at, Prediction.started_at, Prediction.finished_at,
    Prediction.deadline_at, Prediction.interactive, Prediction.next_attempt_at,
    Prediction.cached, Prediction.owner_id,
)  # fmt: skip
# Of the image, which decides who may see the prediction: NULL where there is none.
OF_IMAGE = (
    Image.owner_id.label("image_owner_id"),
    Image.visibility.label("image_visibility"),
    Image.posts.label("image_posts"),
)
WITH_IMAGE = select(*SHOWN, *OF_IMAGE).outerjoin(Image, Image.id == Prediction.image_id)
BY_ID = WITH_IMAGE.where(Prediction.id == bindparam("id"))
BY_IDS = WITH_IMAGE.where(Prediction.id.in_(bindparam("ids", expanding=True)))

Shown = Prediction | Row[Any]  # what is shown of a prediction


def rows_of(session: Session, ids: Sequence[UUID]) -> dict[UUID, Shown]:
    """The rows of those of the predictions that exist, by id."""
    return {row.id: row for row in execute(session, BY_IDS, {"ids": ids})} if ids else {}


def look_at_all(sessions: Sessions, ids: Sequence[UUID]) -> dict[UUID, Shown]:
    """As `rows_of`, in a session of its own."""
    return read(sessions, lambda session: rows_of(session, ids))


def is_final(row: Shown) -> bool:
    """Whether the prediction's state is final."""
    return State(row.state).is_final


def may_see_row(caller: Caller, row: Row[Any]) -> bool:
    """Whether the caller may see a row of WITH_IMAGE: its image, or without one what they or an
    anonymous caller asked for.
    """
    if caller.is_admin:
        return True
    if row.image_id is None:
        return row.owner_id is None or row.owner_id == caller.id
    if row.image_visibility != Visibility.PRIVATE or row.image_posts:
        return True
    return caller.id is not None and row.image_owner_id == caller.id


def may_act_on(caller: Caller, row: Any) -> bool:
    """Whether the caller, who may see the row, may cancel it, retry it and send its webhook again.

    Who asked may, and admins. The id of an anonymous caller's prediction is enough only where no
    page tells it to others: without an image, or of an unlisted image of an anonymous caller.
    """
    if row.owner_id is not None:
        return caller.is_admin or row.owner_id == caller.id
    is_listed = row.image_id is not None and (
        row.image_owner_id is not None
        or row.image_visibility != Visibility.UNLISTED
        or bool(row.image_posts)
    )
    return caller.is_admin or not is_listed
