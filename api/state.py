"""The application's state, its database, and the caller of the current request.

The only reader of `current_app` and of the caller.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar, cast
from uuid import UUID

from flask import current_app, g, request
from prometheus_client.registry import Collector
from sqlalchemy.orm import Session

from api.http.idempotency_store import InFlight
from api.limits.usage_meter import UsageMeter
from api.login.passwords import Passwords
from api.predictions.queue_estimates import QueueEstimates
from api.predictions.waiters import Waiters
from api.system.engine_reports import RunningModels
from api.system.readiness import Readiness
from api.uploads.group_commit import GroupCommit
from common.announcer import Announcer
from common.callers import ANONYMOUS, Caller
from common.client_networks import network_of
from common.database import session as database
from common.languages.word_index import WordIndex
from common.services import Services

T = TypeVar("T")
EXTENSION = "afterimage"


@dataclass(frozen=True, slots=True)
class AppState:
    """What one API process holds: the services, and what the API runs beside them."""

    services: Services
    announcer: Announcer
    waiters: Waiters
    queue_estimates: QueueEstimates
    group_commit: GroupCommit
    readiness: Readiness
    collectors: tuple[Collector, ...]  # evaluated when Prometheus scrapes
    usage_meter: UsageMeter
    word_index: WordIndex
    running_models: RunningModels = field(default_factory=RunningModels)
    in_flight: InFlight = field(default_factory=InFlight)
    passwords: Passwords = field(default_factory=Passwords)

    def close(self) -> None:
        """Stop in order: wake the waiting requests, then announce what was accepted."""
        self.waiters.close()
        self.announcer.close()


def app_state() -> AppState:
    """The state of the current request's application."""
    return cast(AppState, current_app.extensions[EXTENSION])


def services() -> Services:
    """The services of the current request's application."""
    return app_state().services


def read(work: Callable[[Session], T]) -> T:
    """Run `work`, which only reads, on the application's database, and return its result."""
    return database.read(services().sessions, work)


def write(work: Callable[[Session], T], recall: Callable[[Session], T | None] | None = None) -> T:
    """Run `work` in a transaction on the application's database, commit, and return its result.

    `recall` is as in `common.database.session.transact`.
    """
    return database.transact(services().sessions, work, recall)


def current_user() -> Caller:
    """The caller, whose credentials `api/http/auth.py` has verified; ANONYMOUS without any."""
    return cast(Caller, g.get("caller", ANONYMOUS))


def caller_network() -> str:
    """The network of the client's address, as `network_of` names it."""
    return network_of(request.remote_addr)


def caller_key() -> str:
    """The caller as quotas and waits count them: an account, or an anonymous network."""
    id = current_user().id
    return f"account {id}" if id else f"network {caller_network()}"


def current_login() -> UUID | None:
    """The log-in of the access token; None with an API key and for anonymous callers."""
    return cast(UUID | None, g.get("login"))
