"""Who votes, as votes tell it: always the same for the same voter, and nobody's name or address."""

import hmac
from ipaddress import IPv6Address, ip_address
from uuid import UUID

HOST_BITS = 64  # of an IPv6 address: whoever has one of a network has all of them


def voter_of(secret: bytes, account: UUID | None, address: str | None) -> bytes:
    """HMAC-SHA256 of the account's id, or without one of the address that the request came from."""
    who = f"account {account}" if account else f"address {_network(address or '')}"
    # The secret also signs tokens: no token begins like this.
    return hmac.digest(secret, f"voter: {who}".encode("utf-8", "replace"), "sha256")


def _network(address: str) -> str:
    try:
        parsed = ip_address(address)
    except ValueError:
        return address  # a socket's, or a proxy's idea of one
    if isinstance(parsed, IPv6Address):
        if parsed.ipv4_mapped:
            return str(parsed.ipv4_mapped)
        return str(IPv6Address(int(parsed) >> HOST_BITS << HOST_BITS))
    return str(parsed)
