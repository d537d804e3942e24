"""The kernel's copy of the address check: the same table, and what is let through besides."""

import re
from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.core.address import public, refusal
from notifier.core.egress import METADATA, drop_in, name_servers, options


def listed(text):
    return [ip_network(one) for line in re.findall("^IPAddressAllow=(.+)$", text, re.MULTILINE) for one in line.split()]


def is_in(address, networks):
    return any(address in network for network in networks)


# --- one table


@given(st.ip_addresses(v=4) | st.ip_addresses(v=6, network="2000::/3") | st.ip_addresses(v=6))
def test_the_kernel_and_the_daemon_judge_alike(address):
    if getattr(address, "ipv4_mapped", None) is None:  # which is IPv4 by the time the kernel sees it
        assert is_in(address, public()) == (refusal(str(address)) is None)


@pytest.mark.uncounted
def test_they_judge_alike_at_every_edge():
    for network in public():
        for number in {int(network[0]) - 1, int(network[0]), int(network[-1]), int(network[-1]) + 1}:
            address = type(network[0])(number)
            assert is_in(address, public()) == (refusal(str(address)) is None), address


def test_the_networks_are_the_fewest():
    whole = set(public())
    assert len(whole) == len(public())
    assert not [network for network in whole if network.supernet() == network or network.supernet() in whole]
    for network in whole:
        (other,) = set(network.supernet().subnets()) - {network}
        assert other not in whole


def test_all_is_denied_that_is_not_listed():
    text = drop_in([], [])
    assert text.count("[Service]\nIPAddressDeny=any\n") == 1
    assert tuple(listed(text)) == public()
    assert "None" not in text
    assert "egress\n" in text


# --- name servers


def test_name_servers_are_read_as_the_resolver_reads_them():
    text = "# by hand\nnameserver 10.0.0.2 # ours\nsearch example.com\nnameserver\nnameserver nobody\n"
    assert name_servers(f"{text} nameserver fe80::1%eth0\nnameserver ::ffff:10.0.0.3") == [
        ip_address("10.0.0.2"),
        ip_address("fe80::1"),
        ip_address("10.0.0.3"),
    ]


def test_a_name_server_is_listed_by_itself_unless_it_is_public():
    text = drop_in([], map(ip_address, ("127.0.0.53", "8.8.8.8", "fe80::1", "127.0.0.53")))
    assert text.endswith("# name servers\nIPAddressAllow=127.0.0.53/32 fe80::1/128\n")
    assert ip_network("8.8.8.8/32") not in listed(text)


def test_what_tells_the_machines_credentials_is_never_listed_as_a_name_server():
    known = {"169.254.169.254", "168.63.129.16", "100.100.100.200", "fd00:ec2::254"}
    assert {str(address) for address in METADATA} == known
    assert drop_in([], METADATA) == drop_in([], [])
    assert not [address for address in METADATA if is_in(address, listed(drop_in([], METADATA)))]
    dns_alone = ip_address("169.254.169.253")
    assert is_in(dns_alone, listed(drop_in([], [dns_alone])))


# --- what is allowed besides


def test_what_is_allowed_is_listed_once_unless_it_is_public():
    text = drop_in(map(ip_network, ("10.0.0.0/8", "1.1.1.0/24", "fd00::/8", "10.0.0.0/8")), [])
    assert text.endswith("# allowed besides\nIPAddressAllow=10.0.0.0/8 fd00::/8\n")


def test_a_network_that_is_public_in_part_alone_is_listed():
    for text in ("0.0.0.0/0", "10.0.0.0/7", "126.0.0.0/7", "8.0.0.0/6"):
        assert ip_network(text) in listed(drop_in([ip_network(text)], []))


@pytest.mark.parametrize("given", ["", "--no-dns", "--allow 10.0.0.0/8 --config '/etc/a b.toml'"])
def test_a_drop_in_knows_how_it_was_made(given):
    assert options(drop_in([], [], given)) == given


def test_one_that_was_not_made_here_knows_nothing():
    assert options("[Service]\nIPAddressDeny=any\n") is None
