"""The addresses that webhooks may be sent to: public ones, and those in networks that the operator
allows.

Sources: IANA's special-purpose registries for IPv4 and IPv6 (RFC 6890), which `ipaddress` knows,
and the ways to embed an IPv4 address in an IPv6 one: RFC 4291 2.5.5, 6052, 3056, 4380.
"""

import socket
from collections.abc import Sequence
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

# Listed explicitly although `is_global` covers most of them, depending on Python's version.
DENIED = tuple(
    ip_network(each)
    for each in (
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16",
        "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16",
        "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
        "168.63.129.16/32",  # Azure's metadata and wire server, a public address
        "2001::/23",  # protocol assignments, Teredo among them
        "2001:db8::/32", "3fff::/20",
    )
)  # fmt: skip
UNICAST = ip_network("2000::/3")  # all assigned IPv6 addresses; the rest is special or unused
NAT64 = ip_network("64:ff9b::/96")


def is_permitted(address: Address, allowed: Sequence[Network]) -> bool:
    """Return whether a webhook may be sent to `address`; `allowed` are the networks that the
    operator allows.
    """
    return is_allowed(address, allowed) or _is_public(_unmapped(address))


def is_allowed(address: Address, allowed: Sequence[Network]) -> bool:
    """Return whether `address` is in one of the networks that the operator allows."""
    plain = _unmapped(address)
    return any(plain in network for network in allowed)


def _unmapped(address: Address) -> Address:
    """Return the IPv4 address that the system connects to for an IPv4-mapped one."""
    if isinstance(address, IPv6Address) and address.ipv4_mapped:
        return address.ipv4_mapped
    return address


def literal(host: str) -> Address | None:
    """Return the address that `host` contains, also in other forms that resolvers accept (`127.1`,
    `0x7f000001`); None for a name.
    """
    bare = host.strip("[]").rstrip(".")
    try:
        return ip_address(bare)
    except ValueError:
        pass
    try:
        return IPv4Address(socket.inet_aton(bare))
    except (OSError, ValueError):
        return None


def parse_networks(text: str) -> tuple[Network, ...]:
    """Return the networks in a comma-separated list of CIDRs; raises ValueError."""
    return tuple(ip_network(each.strip()) for each in text.split(",") if each.strip())


def _is_public(address: Address) -> bool:
    if any(address in network for network in DENIED):
        return False
    if isinstance(address, IPv4Address):
        return address.is_global and not address.is_multicast
    if address in NAT64:
        return _is_public(IPv4Address(address.packed[-4:]))
    if address.sixtofour:
        return _is_public(address.sixtofour)
    return address in UNICAST and address.is_global and not address.scope_id
