"""What both wings are handed: settings, database sessions, object store, broker and metrics."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from common.broker import Broker, open_broker
from common.database.session import PROMPT, STEADY, Sessions, open_database
from common.observability.metrics import Metrics, open_metrics
from common.settings import Settings
from common.startup_checks import make_private, warn
from common.storage import Storage, open_storage


@dataclass(frozen=True, slots=True)
class Services:
    """The five things everything else is made from; built once a process, after any fork."""

    settings: Settings
    sessions: Sessions
    storage: Storage
    broker: Broker
    metrics: Metrics = field(default_factory=open_metrics)


@contextmanager
def open_services(settings: Settings, *, serves_callers: bool = False) -> Iterator[Services]:
    """Open the adapters that the settings' URLs name; on leaving, close them in reverse order.

    Nothing is contacted yet: a service whose database or broker is still starting comes up too and
    reports itself as not ready. One that `serves_callers` does not let them wait long for a
    database that does not answer; any other leaves it the last connections of a full database.
    """
    make_private(settings.data_dir)
    warn(settings, os.environ)
    sessions = open_database(
        settings.database_url,
        settings.database_pool,
        PROMPT if serves_callers else STEADY,
        leaves_room=not serves_callers,
    )
    broker = open_broker(settings.broker_url)
    try:
        yield Services(settings, sessions, open_storage(settings.storage_url), broker)
    finally:
        broker.close()
        sessions.close()
