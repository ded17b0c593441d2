"""The security log: one line for each log-in and each change of an account's access."""

from typing import Any

import structlog
from flask import has_request_context, request

from api.state import current_user

log = structlog.get_logger(__name__)


def security_event(event: str, **details: Any) -> None:
    """Log an event with the caller's account and address. `details` must not contain secrets."""
    if has_request_context():
        caller = current_user().id
        details = {
            "caller": str(caller) if caller else None,
            "address": request.remote_addr,
        } | details
    log.info("security", event_name=event, **{name: str(value) for name, value in details.items()})
