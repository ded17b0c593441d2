"""Where a webhook may be sent to: no private address, in whatever clothes it comes."""

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.webhooks.addresses import is_permitted, literal, parse_networks

PRIVATE = [
    ip_network(each)
    for each in (
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16",
        "172.16.0.0/12", "192.0.0.0/24", "192.168.0.0/16", "198.18.0.0/15", "224.0.0.0/3",
    )
]  # fmt: skip
INTERNAL_6 = [
    ip_network(each)
    for each in ("::/64", "fc00::/7", "fe80::/10", "fec0::/10", "ff00::/8", "100::/64",
                 "2001::/32", "2001:db8::/32", "64:ff9b:1::/48", "4000::/2", "8000::/2")
]  # fmt: skip


def of(networks: list[ip_network]) -> st.SearchStrategy[IPv4Address | IPv6Address]:  # type: ignore[valid-type]
    return st.sampled_from(networks).flatmap(lambda network: st.ip_addresses(network=network))


def dressed(inside: IPv4Address) -> list[IPv6Address]:
    """IPv6 addresses that lead to an IPv4 one: mapped, NAT64, 6to4, Teredo (client and server)."""
    number = int(inside)
    return [
        IPv6Address(0xFFFF << 32 | number),
        IPv6Address(0x64FF9B << 96 | number),
        IPv6Address(0x2002 << 112 | number << 80 | 1),
        IPv6Address(0x20010000 << 96 | number ^ 0xFFFFFFFF),
        IPv6Address(0x20010000 << 96 | number << 64),
        IPv6Address(number),  # IPv4-compatible
    ]


@given(of(PRIVATE))
def test_no_private_address_is_permitted_in_any_clothes(address: IPv4Address) -> None:
    assert not is_permitted(address, ())
    assert not any(is_permitted(each, ()) for each in dressed(address))


@given(of(INTERNAL_6))
def test_no_internal_ipv6_address_is_permitted(address: IPv6Address) -> None:
    mapped = address.ipv4_mapped
    assert not is_permitted(address, ()) or (mapped and is_permitted(mapped, ()))


@given(st.ip_addresses())
def test_whatever_is_permitted_is_global_unicast(address: IPv4Address | IPv6Address) -> None:
    if is_permitted(address, ()):
        assert not (address.is_private and not getattr(address, "ipv4_mapped", None))
        assert not address.is_multicast
        assert not address.is_loopback
        assert not address.is_link_local


@given(st.ip_addresses(v=4), st.integers(8, 32))
def test_an_allowed_network_permits_itself_and_nothing_else(
    address: IPv4Address, bits: int
) -> None:
    network = ip_network((address, bits), strict=False)
    assert is_permitted(address, [network])
    assert is_permitted(dressed(address)[0], [network]), "mapped: the system connects to the inner"
    other = ip_address("10.1.2.3")
    assert is_permitted(other, [network]) == (other in network)


@pytest.mark.parametrize(
    "text", ["8.8.8.8", "93.184.216.34", "2606:2800:220:1::1", "64:ff9b::808:808"]
)
def test_public_addresses_are_permitted(text: str) -> None:
    assert is_permitted(ip_address(text), ())


@pytest.mark.parametrize(
    "text",
    ["169.254.169.254", "100.100.100.200", "168.63.129.16", "192.0.0.192", "fd00:ec2::254",
     "::", "::1", "fe80::1%1", "255.255.255.255", "2001:db8::1", "3fff::1", "64:ff9b::7f00:1"],
)  # fmt: skip
def test_metadata_services_and_the_like_are_not(text: str) -> None:
    assert not is_permitted(ip_address(text), ())


@pytest.mark.parametrize(
    ("host", "address"),
    [("127.1", "127.0.0.1"), ("2130706433", "127.0.0.1"), ("0x7f.1", "127.0.0.1"),
     ("0177.0.0.1", "127.0.0.1"), ("0", "0.0.0.0"), ("10.0.0.1.", "10.0.0.1"), ("[::1]", "::1"),
     ("::ffff:127.0.0.1", "::ffff:127.0.0.1")],
)  # fmt: skip
def test_an_address_is_seen_in_every_spelling(host: str, address: str) -> None:
    assert literal(host) == ip_address(address)


@given(st.ip_addresses(v=4))
def test_numbers_are_addresses(address: IPv4Address) -> None:
    assert literal(str(int(address))) == literal(hex(int(address))) == literal(str(address))


@pytest.mark.parametrize("host", ["example.com", "a", "1.2.3.4.example", "xn--bcher-kva.de", ""])
def test_names_are_not_addresses(host: str) -> None:
    assert literal(host) is None


def test_networks_are_read_from_a_list() -> None:
    assert parse_networks("") == ()
    read = parse_networks("127.0.0.0/8, fd00::/8,10.1.2.3")
    assert [str(each) for each in read] == ["127.0.0.0/8", "fd00::/8", "10.1.2.3/32"]
    for wrong in ("nonsense", "10.0.0.1/8", "10.0.0.0/33"):
        with pytest.raises(ValueError, match=r"."):
            parse_networks(wrong)
