"""Load posts with their predictions and with whether the caller likes them."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import and_, bindparam, case, func, select
from sqlalchemy.orm import Session

from api.posts.schemas import post_view
from api.state import current_user, read
from common.database.session import execute
from common.database.types import Id
from common.predictions import PredictionRecord
from common.predictions.records import COLUMNS
from common.social import projections
from common.tables import Post, Prediction, State

POST_TASKS = ("classify", "caption")  # run on the image of every post

# Only the author's predictions: other users may have created any number for the same image.
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
    .where(
        Post.id.in_(bindparam("these", expanding=True, type_=Id)), Prediction.task.in_(POST_TASKS)
    )
    .subquery()
)
RESULTS = (
    select(_ranked.c.post, *COLUMNS)
    .join(_ranked, Prediction.id == _ranked.c.prediction)
    .where(_ranked.c.place == 1)
)


def load_posts(ids: Sequence[UUID]) -> list[dict[str, Any]]:
    """Return the fields of PostView of each post, in the order of `ids`.

    Deleted posts are left out; posts of disabled accounts too, unless the caller is an admin.
    """
    caller = current_user()

    def load(session: Session) -> list[dict[str, Any]]:
        posts = projections.read_posts(session, ids, caller.is_admin)
        liked = projections.liked_by(session, caller.id, ids)
        results = find_results(session, ids)
        return [post_view(post, post.id in liked, results[post.id], caller) for post in posts]

    return read(load)


def find_results(session: Session, ids: Sequence[UUID]) -> dict[UUID, list[PredictionRecord]]:
    """Return, by post, one prediction per task of POST_TASKS that the author has created.

    It is the newest one that succeeded, or else the newest one.
    """
    by_post: defaultdict[UUID, list[PredictionRecord]] = defaultdict(list)
    rows: Any = execute(session, RESULTS, {"these": ids}) if ids else ()
    for post_id, *columns in rows:
        by_post[post_id].append(PredictionRecord(*columns))
    for records in by_post.values():
        records.sort(key=lambda record: POST_TASKS.index(record.task))
    return by_post
