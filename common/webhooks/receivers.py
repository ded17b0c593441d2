"""What callers may name as a webhook: its URL, and a secret of their own."""

import base64
import re
from collections.abc import Sequence

import httpx

from common.errors import InputFault
from common.webhooks.addresses import Network, is_permitted, literal

LONGEST_URL = 2000  # characters, as stored
PREFIX = "whsec_"
SHORTEST_KEY, LONGEST_KEY = 24, 64  # bytes, as Standard Webhooks has it
NAME = re.compile(r"(?!-)[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*\.?")
HOST = re.compile(r"https?://(\[[^\]]*\]|[^/:]+)")


def check_url(text: str, allowed: Sequence[Network]) -> str:
    """The URL as it is stored: scheme and host in lower case, a path, no fragment.

    Raises InputFault for what can never be sent to. Names are resolved, and their addresses
    checked, at each sending.
    """
    url = _parsed(text)
    if url.scheme not in ("http", "https"):
        raise InputFault("A webhook's URL begins with https:// or http://.")
    if url.userinfo:
        raise InputFault("A webhook's URL must not hold credentials.")
    if url.port is not None and not 0 < url.port < 65536:
        raise InputFault("A webhook's port is 1 to 65535.")
    _check_host(url.raw_host.decode("ascii"), allowed)
    stored = str(url.copy_with(raw_path=url.raw_path, fragment=None))
    if len(stored) > LONGEST_URL:
        raise InputFault(f"A webhook's URL has at most {LONGEST_URL} characters.")
    return stored


def host_of(url: str) -> str:
    """The host of a URL that `check_url` gave, an IPv6 address in its brackets."""
    found = HOST.match(url)
    return found[1] if found else url


def check_secret(text: str) -> str:
    """A signing secret in the form of Standard Webhooks; raises InputFault."""
    try:
        if not text.startswith(PREFIX):
            raise ValueError("no prefix")
        key = base64.b64decode(text.removeprefix(PREFIX), validate=True)
    except ValueError as error:
        raise InputFault(f"A secret is `{PREFIX}` and base64.") from error
    if not SHORTEST_KEY <= len(key) <= LONGEST_KEY:
        raise InputFault(f"A secret holds {SHORTEST_KEY} to {LONGEST_KEY} bytes in base64.")
    return text


def _parsed(text: str) -> httpx.URL:
    if len(text) > LONGEST_URL:
        raise InputFault(f"A webhook's URL has at most {LONGEST_URL} characters.")
    try:
        return httpx.URL(text)
    except (httpx.InvalidURL, ValueError) as error:
        raise InputFault("This is not a URL.") from error


def _check_host(host: str, allowed: Sequence[Network]) -> None:
    address = literal(host)
    if address is None and (len(host) > 253 or not NAME.fullmatch(host)):
        raise InputFault("A webhook's URL needs a host.")
    if address is not None and not is_permitted(address, allowed):
        raise InputFault("A webhook cannot be sent to this address: it is not a public one.")
