"""Which callers may see what is missing inside the service."""

from flask import request

from api.state import current_user, services
from common.client_networks import is_private

FORWARDED = ("X-Forwarded-For", "Forwarded", "X-Real-IP")


def is_inside() -> bool:
    """Whether the caller is an admin, or calls from loopback or a private network.

    With TRUSTED_PROXIES the address is the one that the proxies say. Without, a request that a
    proxy has forwarded may be from anywhere.
    """
    if current_user().is_admin:
        return True
    is_forwarded = any(name in request.headers for name in FORWARDED)
    if is_forwarded and not services().settings.trusted_proxies:
        return False
    return is_private(request.remote_addr)
