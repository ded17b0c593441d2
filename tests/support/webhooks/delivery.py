"""Deliverers for tests: the real ones, on a schedule of fractions of a second."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import Any

import pytest

from common.database.session import Sessions
from common.settings import Settings
from engine.webhooks.deliverer import Deliverer
from engine.webhooks.schedule import Timing
from tests.support.http.calls import until
from tests.support.webhooks.receivers import LOOPBACK, Sink, sinking, states

QUICK = Timing(pauses=(0, 0.2, 0.4, 0.4, 0.4), connect=10, whole=10, margin=20, poll=0.02)
PATIENCE = 60.0
SETTINGS = replace(Settings.from_env({}), webhook_allowed_networks=LOOPBACK)


@pytest.fixture
def sink() -> Iterator[Sink]:
    with sinking() as found:
        yield found


@contextmanager
def delivering(
    sessions: Sessions, timing: Timing = QUICK, settings: Settings = SETTINGS, engines: int = 1
) -> Iterator[Deliverer]:
    with ExitStack() as stack:
        for _ in range(engines):
            deliverer = Deliverer(sessions, settings, timing)
            deliverer.start()
            stack.callback(deliverer.stop)
        yield deliverer


def settled(sessions: Sessions, ids: list[Any]) -> list[str]:
    """The states of the deliveries once none is pending."""
    wait_until = "all deliveries to be settled"
    until(lambda: "pending" not in states(sessions, ids), PATIENCE, wait_until)
    return states(sessions, ids)
