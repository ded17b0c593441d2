"""The services that the API and the engine use: settings, database sessions, object store, broker
and metrics.
"""

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
    """The adapters of one process; built once, after the last fork."""

    settings: Settings
    sessions: Sessions
    storage: Storage
    broker: Broker
    metrics: Metrics = field(default_factory=open_metrics)


@contextmanager
def open_services(
    settings: Settings, *, serves_callers: bool = False, broker: Broker | None = None
) -> Iterator[Services]:
    """Open the adapters that the settings' URLs name; on exit, close them in reverse order. A given
    `broker` replaces that of the settings.

    They connect lazily: a process starts even if its database or broker does not answer yet, and
    reports itself as not ready. A process that `serves_callers` waits only briefly for a database
    that does not answer; other processes leave it the last connections of a full database server.
    """
    make_private(settings.data_dir)
    warn(settings, os.environ)
    sessions = open_database(
        settings.database_url,
        settings.database_pool,
        PROMPT if serves_callers else STEADY,
        leaves_room=not serves_callers,
    )
    broker = broker or open_broker(settings.broker_url)
    try:
        yield Services(settings, sessions, open_storage(settings.storage_url), broker)
    finally:
        broker.close()
        sessions.close()
