"""One client is one network, in whatever way a proxy spells its address."""

import pytest

from common.client_networks import network_of
from common.search.feedback.voters import voter_of

V4 = [
    "203.0.113.7", "203.0.113.7:1", "203.0.113.7:65535", " 203.0.113.7 ", '"203.0.113.7:4711"',
    "::ffff:203.0.113.7", "::FFFF:203.0.113.7", "[::ffff:203.0.113.7]:443", "[203.0.113.7]:80",
    "::ffff:cb00:7107", "64:ff9b::cb00:7107", "\t203.0.113.7:4711\t", "203.0.113.7:",
]  # fmt: skip
V6 = [
    "2001:db8::1", "2001:DB8::1", "[2001:db8::1]", "[2001:db8::1]:443", "[2001:DB8::1]:444",
    '"[2001:db8::1]:443"', " [2001:db8::1]:443 ", "2001:db8:0:0:0:0:0:1", "2001:db8::ffff:2",
    "2001:0db8:0000:0000:0000:0000:0000:0001:443", "2001:db8::1%eth0", "[2001:db8::1%25eth0]:443",
]  # fmt: skip
UNKNOWN = [
    "unknown",
    "UNKNOWN",
    "unknown:4711",
    "",
    "   ",
    None,
    "-",
    "a proxy's own idea",
    "[",
    "_",
]


@pytest.mark.parametrize("spelling", V4)
def test_an_ipv4_client_is_one_network(spelling: str) -> None:
    assert network_of(spelling) == "203.0.113.7"


@pytest.mark.parametrize("spelling", V6)
def test_an_ipv6_customer_is_one_network(spelling: str) -> None:
    assert network_of(spelling) == "2001:db8::"


@pytest.mark.parametrize("spelling", ["fe80::1", "fe80::1%eth0", "[fe80::1%2]:80", "FE80::1%25en1"])
def test_a_zone_is_not_part_of_the_network(spelling: str) -> None:
    assert network_of(spelling) == "fe80::"


@pytest.mark.parametrize("spelling", UNKNOWN)
def test_text_that_is_no_address_is_one_caller(spelling: str | None) -> None:
    assert network_of(spelling) == "unknown"


def test_an_obfuscated_identifier_stands_for_itself() -> None:
    assert network_of("_gazonk") == network_of(' "_gazonk:4711" ') == "_gazonk"
    assert network_of("_other") != network_of("_gazonk")


def test_neighbours_are_told_apart() -> None:
    addresses = ["203.0.113.7", "203.0.113.8", "2001:db8::1", "2001:db8:0:1::1", "::1", "127.0.0.1"]
    assert len({network_of(each) for each in addresses}) == len(addresses)


@pytest.mark.parametrize("spellings", [V4, V6])
def test_one_client_has_one_voice(spellings: list[str]) -> None:
    assert len({voter_of(b"secret", None, each) for each in spellings}) == 1
