"""The admin views of readiness, queues, engines and models."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from flask_admin import AdminIndexView, BaseView, expose
from sqlalchemy import select
from sqlalchemy.orm import Session

from api.admin.guard import ForAdmins
from api.state import app_state, read, services
from api.system.engine_reports import models_in, running_engines
from api.system.readiness import OK
from common.broker import DEAD_LETTERS
from common.database.session import execute
from common.errors import Unavailable
from common.predictions import Lane, measure
from common.running_engines import IS_RUNNING
from common.tables import EngineProcess
from common.tasks import all_contracts, contracts, queue_name

RUNNING = (
    select(
        EngineProcess.name, EngineProcess.started_at, EngineProcess.seen_at, EngineProcess.report
    )
    .where(IS_RUNNING)
    .order_by(EngineProcess.name, EngineProcess.id)
)


@dataclass(frozen=True, slots=True)
class Queue:
    """A queue: figures from its rows, and its messages in the broker (None: unknown)."""

    task: str
    interactive: bool
    lane: Lane
    messages: int | None


class OverviewView(ForAdmins, AdminIndexView):  # type: ignore[misc]
    """The start page: readiness and queues."""

    def __init__(self) -> None:
        super().__init__(name="Overview", url="/admin")
        self.static_folder = None  # the library's scripts and styles are not used

    @expose("/")
    def index(self) -> str:
        """Return the page."""
        checks = app_state().readiness.for_predictions(list(contracts()))
        depths = _depths()
        shown: str = self.render(
            "admin/overview.html",
            checks=checks,
            ok=OK,
            queues=list(_queues(depths)),
            dead_letters=depths.get(DEAD_LETTERS),
        )
        return shown


class ModelsView(ForAdmins, BaseView):  # type: ignore[misc]
    """The running engines, and their models as in GET /v1/models."""

    def __init__(self) -> None:
        super().__init__("Models", endpoint="admin_models", url="models")

    @expose("/")
    def index(self) -> str:
        """Return the page."""
        shown: str = self.render(
            "admin/models.html",
            models=models_in(running_engines(services().sessions)),
            engines=_running(),
        )
        return shown


def _running() -> Sequence[Any]:
    return read(lambda session: execute(session, RUNNING).all())


def _lanes() -> list[tuple[str, bool]]:
    return [(task, interactive) for task in all_contracts() for interactive in (True, False)]


def _depths() -> dict[str, int]:
    """Return the number of messages by queue; empty if the broker does not answer."""
    names = [queue_name(task, interactive) for task, interactive in _lanes()]
    try:
        return services().broker.depths([*names, DEAD_LETTERS])
    except Unavailable:
        return {}


def _queues(depths: dict[str, int]) -> Iterator[Queue]:
    def look(session: Session) -> list[Lane]:
        return [measure(session, task, interactive) for task, interactive in _lanes()]

    for (task, interactive), lane in zip(_lanes(), read(look), strict=True):
        yield Queue(task, interactive, lane, depths.get(queue_name(task, interactive)))
