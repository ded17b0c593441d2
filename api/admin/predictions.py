"""The admin view of predictions."""

from collections.abc import Iterable, Sequence
from typing import Any

from flask_admin.actions import action
from sqlalchemy import select

from api.admin import formatters
from api.admin.search_filters import by_id, by_owner
from api.admin.table_views import Condition, RowsView
from api.predictions.actions import cancel_prediction, retry_prediction
from api.predictions.queries import find_prediction
from common.predictions.public_view import public_result, timings_of
from common.tables import Prediction, State, User

_p = Prediction
LATELY = 10_000  # newest predictions searched for failures, because no index covers the state
_latest = select(_p.id).order_by(_p.id.desc()).limit(LATELY).subquery()


def _took(_view: Any, _context: Any, row: Any, _name: str) -> Any:
    if not (row.started_at and row.finished_at):
        return formatters.EMPTY
    return f"{(row.finished_at - row.started_at).total_seconds():.2f} s"


def _waited(_view: Any, _context: Any, row: Any, _name: str) -> Any:
    if not row.started_at:
        return formatters.EMPTY
    return f"{(row.started_at - row.created_at).total_seconds():.2f} s"


def _timings(_view: Any, _context: Any, row: Any, _name: str) -> Any:
    return timings_of(row)


def _result(_view: Any, _context: Any, row: Any, _name: str) -> Any:
    return public_result(row.task, row.result, row.params)


def _model(_view: Any, _context: Any, row: Any, _name: str) -> Any:
    return f"{row.model['name']} {row.model['version']}" if row.model else None


class PredictionsView(RowsView):
    """The predictions, newest first."""

    rows = select(
        _p.id, _p.owner_id, _p.task, _p.image_id, _p.state, _p.attempts, _p.error_code,
        _p.error_detail, _p.created_at, _p.started_at, _p.finished_at, User.name.label("owner"),
    ).outerjoin(User, User.id == _p.owner_id)  # fmt: skip
    row = rows.add_columns(
        _p.params, _p.caller_data.label("caller_data"), _p.failures, _p.lost_claims, _p.interactive,
        _p.cancel_requested, _p.next_attempt_at, _p.deadline_at, _p.model, _p.result,
        _p.timings, _p.cached,
    )  # fmt: skip
    only = {  # noqa: RUF012
        "unfinished": lambda rows: rows.where(_p.check_at.is_not(None)),
        "failed lately": lambda rows: rows.join(_latest, _latest.c.id == _p.id).where(
            _p.state == State.FAILED
        ),
    }
    searched_by = "id, image's or owner's id, or @owner"
    column_list = ("image_id", "id", "task", "state", "attempts", "error_code", "error_detail",
                   "waited", "took", "owner", "created_at")  # fmt: skip
    column_details_list = (
        "id", "task", "state", "image_id", "owner", "attempts", "failures", "lost_claims",
        "error_code", "error_detail", "model", "timings", "params", "result", "cached",
        "interactive", "cancel_requested", "created_at", "started_at", "finished_at",
        "next_attempt_at", "deadline_at",
    )  # fmt: skip
    column_labels = {"image_id": "Image", "error_code": "Error", "error_detail": "Why"}  # noqa: RUF012
    column_formatters = {  # noqa: RUF012
        "id": formatters.link_to_row,
        "image_id": formatters.thumbnail,
        "state": formatters.badge,
        "error_detail": formatters.short,
        "waited": _waited,
        "took": _took,
        "owner": formatters.user_link,
    }
    column_formatters_detail = column_formatters | {
        "error_detail": lambda _view, _context, row, _name: row.error_detail,
        "timings": _timings,
        "result": _result,
        "model": _model,
    }

    def __init__(self) -> None:
        super().__init__(_p, "Predictions")

    def conditions(self, text: str) -> Iterable[Condition]:
        """Return conditions by id, image or owner."""
        return by_id(text, _p.id, _p.image_id, _p.owner_id) or by_owner(text, _p.owner_id)

    @action("retry", "Retry")
    def retry(self, ids: Sequence[str]) -> None:
        """Retry the failed, canceled or expired predictions."""
        self.each(ids, lambda id: retry_prediction(find_prediction(id), None), "queued again")

    @action("cancel", "Cancel")
    def cancel(self, ids: Sequence[str]) -> None:
        """Cancel the unfinished predictions."""
        self.each(
            ids, lambda id: cancel_prediction(find_prediction(id)), "canceled, unless finished"
        )
