"""The identity of a voter in stored votes: stable for each voter, without a name or an address."""

import hmac
from uuid import UUID

from common.client_networks import network_of


def voter_of(secret: bytes, account: UUID | None, address: str | None) -> bytes:
    """Return the HMAC-SHA256 of the account's id, or of the network of an anonymous request."""
    who = f"account {account}" if account else f"address {network_of(address)}"
    # The secret also signs tokens, but no token begins with this prefix.
    return hmac.digest(secret, f"voter: {who}".encode("utf-8", "replace"), "sha256")
