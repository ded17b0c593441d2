"""Rows as they would be had they been inserted some days ago: their ids and their times."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest

from common.database import ids
from common.database.session import Sessions
from tests.support.rows.aging import age, keys


@contextmanager
def days_ago(sessions: Sessions, days: float) -> Iterator[None]:
    """Give rows that are inserted meanwhile the ids and times that they would have had `days` days
    ago. A test that lets time pass between two steps lowers RETENTION_DAYS instead.
    """

    class Then:
        @staticmethod
        def time_ns() -> int:
            return time.time_ns() - int(days * 86_400e9)

    existing = keys(sessions)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ids, "time", Then)
        yield
    age(sessions, timedelta(days=days), existing)
