"""Check what callers set for webhooks: the URL, and an optional secret of their own."""

import base64
import re
from collections.abc import Sequence

import httpx

from common.errors import InputFault
from common.webhooks.addresses import Network, is_allowed, is_permitted, literal

LONGEST_URL = 2000  # characters, as stored
PREFIX = "whsec_"
SHORTEST_KEY, LONGEST_KEY = 24, 64  # bytes, as Standard Webhooks defines
WEB_PORTS = (80, 443)
FIRST_UNPRIVILEGED = 1024
# The "bad ports" of the Fetch standard from 1024 on: servers there speak other protocols, some of
# which would execute commands in the text of an HTTP request.
OTHER_PROTOCOLS = frozenset(
    {1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061, 6000, 6566, 6679, 6697, 10080}
    | set(range(6665, 6670))
)
NAME = re.compile(r"(?!-)[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*\.?")
HOST = re.compile(r"https?://(\[[^\]]*\]|[^/:]+)")


def check_url(text: str, allowed: Sequence[Network]) -> str:
    """Return the URL as it is stored: scheme and host in lower case, with a path, without fragment.

    `http://` is only accepted for receivers in the `allowed` networks. Raises InputFault
    `url_not_allowed` for a URL that messages are never sent to. Names are resolved, and their
    addresses checked, for each attempt.
    """
    url = _parsed(text)
    if url.scheme not in ("http", "https"):
        raise _refused("A webhook's URL must begin with https://.")
    if url.userinfo:
        raise _refused("A webhook's URL must not contain a user name or password.")
    _check_port(url.port)
    _check_host(url.raw_host.decode("ascii"), allowed, is_plain=url.scheme == "http")
    stored = str(url.copy_with(raw_path=url.raw_path, fragment=None))
    if len(stored) > LONGEST_URL:
        raise _refused(f"A webhook's URL must have at most {LONGEST_URL} characters.")
    return stored


def host_of(url: str) -> str:
    """Return the host of a URL from `check_url`, an IPv6 address in brackets."""
    match = HOST.match(url)
    return match[1] if match else url


def check_secret(text: str) -> str:
    """Return a valid signing secret in the form of Standard Webhooks; raises InputFault."""
    try:
        if not text.startswith(PREFIX):
            raise ValueError("no prefix")
        key = base64.b64decode(text.removeprefix(PREFIX), validate=True)
    except ValueError as error:
        raise InputFault(f"A secret must be `{PREFIX}` followed by base64.") from error
    if not SHORTEST_KEY <= len(key) <= LONGEST_KEY:
        raise InputFault(f"A secret must contain {SHORTEST_KEY} to {LONGEST_KEY} bytes in base64.")
    return text


def _parsed(text: str) -> httpx.URL:
    if len(text) > LONGEST_URL:
        raise _refused(f"A webhook's URL must have at most {LONGEST_URL} characters.")
    try:
        return httpx.URL(text)
    except (httpx.InvalidURL, ValueError) as error:
        raise _refused("The webhook's URL is not a valid URL.") from error


def _check_port(port: int | None) -> None:
    if port is None:
        return
    if not 0 < port < 65536:
        raise _refused("A webhook's port must be 1 to 65535.")
    if (port < FIRST_UNPRIVILEGED and port not in WEB_PORTS) or port in OTHER_PROTOCOLS:
        raise _refused(
            "A webhook's port must be 443, 80, or one from 1024 on that is used for HTTP."
        )


def _check_host(host: str, allowed: Sequence[Network], *, is_plain: bool) -> None:
    address = literal(host)
    if address is None and (len(host) > 253 or not NAME.fullmatch(host)):
        raise _refused("A webhook's URL must contain a host.")
    if address is not None and not is_permitted(address, allowed):
        raise _refused("A webhook cannot be sent to this address, because it is not public.")
    if is_plain and not (is_allowed(address, allowed) if address is not None else allowed):
        raise _refused(
            "A webhook's URL must begin with https://, because http:// would expose the message."
        )


def _refused(detail: str) -> InputFault:
    return InputFault(detail, code="url_not_allowed")
