"""Where we connect, and by which rule not: both edges of every range."""

from ipaddress import IPv4Address, IPv6Address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.core.address import name_refusal, port_refusal, refusal

IPV4 = {
    "0.0.0.0/8": "this network",
    "10.0.0.0/8": "private",
    "100.64.0.0/10": "shared",
    "127.0.0.0/8": "loopback",
    "168.63.129.16/32": "cloud host",
    "169.254.0.0/16": "link-local",
    "172.16.0.0/12": "private",
    "192.0.0.0/24": "protocol assignments",
    "192.0.2.0/24": "documentation",
    "192.88.99.0/24": "6to4 relay",
    "192.168.0.0/16": "private",
    "198.18.0.0/15": "benchmarking",
    "198.51.100.0/24": "documentation",
    "203.0.113.0/24": "documentation",
    "224.0.0.0/4": "multicast",
    "240.0.0.0/4": "reserved",
}
IPV6 = {
    "2001::/23": "protocol assignments",
    "2001:db8::/32": "documentation",
    "2002::/16": "6to4",
    "2620:4f:8000::/48": "AS112",
    "3fff::/20": "documentation",
}
NOT_PUBLIC = (
    "::/128", "::1/128", "::/96", "64:ff9b::/96", "64:ff9b:1::/48", "100::/64", "100:0:0:1::/64", "5f00::/16",
    "fc00::/7", "fe80::/10", "fec0::/10", "ff00::/8",
)  # fmt: skip


def edges(networks):
    """The first and last address of each range with its rule; the neighbours with the rule of the range they are in."""
    ranges = {ip_network(text): rule for text, rule in networks.items()}
    for network in ranges:
        for number in {int(network[0]) - 1, int(network[0]), int(network[-1]), int(network[-1]) + 1}:
            if 0 <= number < 2**network.max_prefixlen:
                address = type(network[0])(number)
                yield str(address), next((rule for one, rule in ranges.items() if address in one), None)


@pytest.mark.parametrize(("address", "rule"), list(edges(IPV4)))
def test_ipv4_ranges_end_where_they_end(address, rule):
    assert refusal(address) == rule


@pytest.mark.parametrize(("address", "rule"), list(edges(IPV4)))
def test_an_ipv4_address_in_an_ipv6_one_is_judged_as_what_it_is(address, rule):
    assert refusal(f"::ffff:{address}") == rule
    assert refusal(f"::ffff:{int(IPv4Address(address)) >> 16:x}:{int(IPv4Address(address)) & 0xFFFF:x}") == rule


@pytest.mark.parametrize(("address", "rule"), list(edges(IPV6)))
def test_ipv6_ranges_end_where_they_end(address, rule):
    inside = IPv6Address(address) in ip_network("2000::/3")
    assert refusal(address) == (rule if inside else "not public")


@pytest.mark.parametrize(
    ("address", "rule"),
    [
        ("1fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "not public"),
        ("2000::", None),
        ("3fff:1000::", None),
        ("3fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", None),
        ("4000::", "not public"),
        ("::fffe:ffff:ffff", "not public"),
        ("::1:0:0:0", "not public"),
        ("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "not public"),
    ],
)
def test_only_global_unicast_is_public(address, rule):
    assert refusal(address) == rule


@pytest.mark.parametrize("text", NOT_PUBLIC)
def test_what_is_not_global_unicast_is_refused_from_its_first_address_to_its_last(text):
    network = ip_network(text)
    assert refusal(str(network[0])) == refusal(str(network[-1])) == "not public"


@pytest.mark.parametrize("address", ["fe80::1%eth0", "2606:4700::1111%eth0", "::ffff:1.1.1.1%1", "fe80::1%25lo"])
def test_an_address_with_a_scope_is_refused(address):
    assert refusal(address, [ip_network("::/0"), ip_network("0.0.0.0/0")]) == "scope"


@pytest.mark.parametrize(
    "text", ["", "localhost", "127.1", "0x7f.1", "2130706433", "0177.0.0.1", "1.1.1.1.", "[::1]", "①.1.1.1"]
)
def test_what_is_no_plain_address_is_refused(text):
    assert refusal(text) == "not an address"


@pytest.mark.parametrize("address", ["1.1.1.1", "8.8.8.8", "2606:4700::1111", "2a00:1450:4001:80e::200e"])
def test_public_addresses_may_be_connected_to(address):
    assert refusal(address) is None


@pytest.mark.parametrize(
    ("address", "allowed", "rule"),
    [
        ("127.0.0.1", ["127.0.0.0/8"], None),
        ("::ffff:127.0.0.1", ["127.0.0.0/8"], None),
        ("127.0.0.1", ["::/0", "10.0.0.0/8"], "loopback"),
        ("::1", ["::1/128"], None),
        ("::1", ["0.0.0.0/0"], "not public"),
        ("fd00::1", ["10.0.0.0/8", "fd00::/8"], None),
        ("fdff::1", ["fd00::/16"], "not public"),
        ("nonsense", ["0.0.0.0/0"], "not an address"),
    ],
)
def test_what_is_allowed_goes_before_the_tables(address, allowed, rule):
    assert refusal(address, [ip_network(one) for one in allowed]) == rule


REGISTRIES = (
    "0.0.0.0/8", "0.0.0.0/32", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12",
    "192.0.0.0/24", "192.0.0.0/29", "192.0.0.8/32", "192.0.0.170/32", "192.0.0.171/32", "192.0.2.0/24",
    "192.88.99.0/24", "192.88.99.2/32", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24",
    "240.0.0.0/4", "255.255.255.255/32", "::1/128", "::/128", "::ffff:0:0/96", "64:ff9b:1::/48", "100::/64",
    "100:0:0:1::/64", "2001::/23", "2001::/32", "2001:2::/48", "2001:10::/28", "2001:db8::/32", "2002::/16",
    "3fff::/20", "5f00::/16", "fc00::/7", "fe80::/10",
)  # fmt: skip
"""What the IANA special-purpose address registries for IPv4 and IPv6 do not say to be globally reachable."""


@pytest.mark.parametrize("text", REGISTRIES)
def test_what_the_registries_keep_from_the_world_is_refused(text):
    network = ip_network(text)
    if text == "::ffff:0:0/96":  # as the IPv4 address it maps
        assert refusal(str(network[0])) == "this network"
        assert refusal(str(network[-1])) == "reserved"
    else:
        assert refusal(str(network[0])) is not None
        assert refusal(str(network[-1])) is not None
        assert refusal(str(network[network.num_addresses // 2])) is not None


@given(st.ip_addresses())
def test_nothing_that_python_calls_private_or_reserved_is_let_through(address):
    assert refusal(str(address)) is not None or (address.is_global and not address.is_multicast)


# --- ports and names


@pytest.mark.parametrize("port", [80, 443, 1024, 1025, 8080, 65535])
def test_ports_of_receivers(port):
    assert port_refusal(port) is None


@pytest.mark.parametrize(
    "port",
    [-1, 0, 1, 22, 25, 53, 79, 81, 110, 143, 442, 444, 465, 587, 993, 1023, 2375, 3306, 5432, 6379, 11211, 65536],
)
def test_ports_of_others(port):
    assert port_refusal(port) == "port"


@pytest.mark.parametrize(
    ("host", "rule"),
    [
        ("example.com", None),
        ("example.com.", None),
        ("localhost.example.com", None),
        ("mylocalhost.com", None),
        ("10.0.0.1", None),
        ("receiver", "single-label name"),
        ("localhost", "single-label name"),
        ("LOCALHOST.", "single-label name"),
        ("", "single-label name"),
        (".", "single-label name"),
        ("app.localhost", "local name"),
        ("App.LocalHost..", "local name"),
        ("printer.local", "local name"),
        ("metadata.google.internal.", "local name"),
    ],
)
def test_names_that_only_mean_something_here(host, rule):
    assert name_refusal(host) == rule
