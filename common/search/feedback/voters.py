"""The identity of a voter in stored votes: stable for each voter, and no name or address."""

import hmac
from uuid import UUID

from common.client_networks import network_of


def voter_of(secret: bytes, account: UUID | None, address: str | None) -> bytes:
    """HMAC-SHA256 of the account's id, or of the network of an anonymous request's address."""
    who = f"account {account}" if account else f"address {network_of(address)}"
    # The secret also signs tokens: no token begins like this.
    return hmac.digest(secret, f"voter: {who}".encode("utf-8", "replace"), "sha256")
