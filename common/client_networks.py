"""The network of a client's address, by which limits, the log-in throttle and votes count callers.

Proxies write one client's address in many forms: `203.0.113.7`, `203.0.113.7:4711` (a new port for
each connection), `[2001:DB8::1]:443`, `fe80::1%eth0`, `"[2001:db8::1]"`, `::ffff:203.0.113.7`. All
forms give the same network. RFC 7239, section 6, also allows `unknown` and identifiers such as
`_gazonk`.
"""

import re
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network

PREFIX = 64  # bits of an IPv6 network: a customer is assigned at least one
NAT64 = IPv6Network("64:ff9b::/96")  # RFC 6052: its last 32 bits are the client's IPv4 address
_PRIVATE_4 = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16")
_PRIVATE_6 = ("fc00::/7", "fe80::/10")
UNKNOWN = "unknown"
MOST_CACHED = 4096  # addresses
OBFUSCATED = re.compile(r"_[A-Za-z0-9._-]{1,64}")  # RFC 7239, section 6.3


@lru_cache(MOST_CACHED)  # each limit of a request asks for it
def network_of(address: str | None) -> str:
    """Return the network of `address`: an IPv4 address, or an IPv6 network of 64 bits.

    An obfuscated identifier (RFC 7239) is returned unchanged. Everything else, such as `unknown`,
    the empty text of a Unix socket or arbitrary text, counts as one network, `unknown`.
    """
    text = (address or "").strip().strip("\"'").strip()
    parsed = _parsed(text)
    if parsed is not None:
        return _network(parsed)
    name = text.partition(":")[0]
    return name if OBFUSCATED.fullmatch(name) else UNKNOWN


def is_private(address: str | None) -> bool:
    """Whether the address is loopback, link-local or private (RFC 1918, RFC 4193)."""
    parsed = _parsed((address or "").strip())
    if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped:
        parsed = parsed.ipv4_mapped
    if parsed is None:
        return False
    private = _PRIVATE_4 if parsed.version == 4 else _PRIVATE_6
    return parsed.is_loopback or any(parsed in ip_network(each) for each in private)


def _parsed(text: str) -> IPv4Address | IPv6Address | None:
    """Return the address in `text`, without brackets, port and zone; None if it is not one."""
    if text.startswith("["):
        return _address(text[1:].partition("]")[0])
    # The end of an IPv6 address may look like a port, so the whole text is parsed first.
    return _address(text) or _address(text.rpartition(":")[0])


def _address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(text.partition("%")[0].strip())
    except ValueError:
        return None


def _network(address: IPv4Address | IPv6Address) -> str:
    if isinstance(address, IPv4Address):
        return str(address)
    if address.ipv4_mapped:
        return str(address.ipv4_mapped)
    if address in NAT64:
        return str(IPv4Address(int(address) & 0xFFFF_FFFF))
    host_bits = 128 - PREFIX
    return str(IPv6Address(int(address) >> host_bits << host_bits))
