"""Posts as they are shown: with what was found in their images, and whether the caller likes it."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import and_, bindparam, case, func, select
from sqlalchemy.orm import Session

from api.posts.schemas import view
from api.state import current_user, read
from common.database.session import execute
from common.database.types import Id
from common.predictions import PredictionRecord
from common.predictions.records import COLUMNS
from common.social import projections
from common.tables import Post, Prediction, State

ASKED = ("classify", "caption")  # of every post's image

# What others ask of the image is not the author's word, and may be any number of rows.
_mine = and_(Prediction.image_id == Post.image_id, Prediction.owner_id == Post.owner_id)
_best_first = (case((Prediction.state == State.SUCCEEDED, 0), else_=1), Prediction.id.desc())
_ranked = (
    select(
        Post.id.label("post"),
        Prediction.id.label("prediction"),
        func.row_number()
        .over(partition_by=(Post.id, Prediction.task), order_by=_best_first)
        .label("place"),
    )
    .join(Prediction, _mine)
    .where(Post.id.in_(bindparam("these", expanding=True, type_=Id)), Prediction.task.in_(ASKED))
    .subquery()
)
RESULTS = (
    select(_ranked.c.post, *COLUMNS)
    .join(_ranked, Prediction.id == _ranked.c.prediction)
    .where(_ranked.c.place == 1)
)


def views(ids: Sequence[UUID]) -> list[dict[str, Any]]:
    """What is shown of the posts, in this order, without those that are gone and, for others than
    admins, those of disabled accounts.
    """
    caller = current_user()

    def look(session: Session) -> list[dict[str, Any]]:
        posts = projections.find(session, ids, caller.is_admin)
        liked = projections.liked(session, caller.id, ids)
        results = results_of(session, ids)
        return [view(post, post.id in liked, results[post.id], caller) for post in posts]

    return read(look)


def results_of(session: Session, ids: Sequence[UUID]) -> dict[UUID, list[PredictionRecord]]:
    """By post, the newest result of each task that its author asked of the image; what is not
    finished only where there is none.
    """
    records: defaultdict[UUID, list[PredictionRecord]] = defaultdict(list)
    rows: Any = execute(session, RESULTS, {"these": ids}) if ids else ()
    for post_id, *columns in rows:
        records[post_id].append(PredictionRecord(*columns))
    for of_post in records.values():
        of_post.sort(key=lambda record: ASKED.index(record.task))
    return records
