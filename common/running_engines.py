"""The engines that are running, known by their heartbeats."""

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from common.database.session import execute, now
from common.tables import EngineProcess

SILENT_AFTER = 10  # seconds without a heartbeat after which an engine counts as not running
IS_RUNNING = EngineProcess.seen_at > now(-SILENT_AFTER)
REPORTS = select(EngineProcess.report).where(IS_RUNNING)  # read by requests, once a second


def engine_reports(session: Session) -> list[dict[str, Any]]:
    """Return the reports of all running engines: for each task whether it is ready, and its
    models.
    """
    return list(execute(session, REPORTS).scalars())
