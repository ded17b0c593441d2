"""The log of security events: one line for each change of who may do what."""

from typing import Any

import structlog
from flask import has_request_context, request

from api.state import current_user

log = structlog.get_logger(__name__)


def security_event(event: str, **about: Any) -> None:
    """Log an event with the caller's account and address. `about` must hold no secret."""
    if has_request_context():
        caller = current_user().id
        about = {"caller": str(caller) if caller else None, "address": request.remote_addr} | about
    log.info("security", event_name=event, **{name: str(value) for name, value in about.items()})
