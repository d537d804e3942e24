"""IP address → may we connect, and by which rule not.

Anyone who may name a URL could otherwise aim our requests at what stands beside us. Everything is refused that is not
known to be public. `ipaddress.is_global` will not do: it calls multicast, 6to4 and NAT64 addresses global.
Source: the IANA special-purpose address registries for IPv4 and IPv6.
"""

from collections.abc import Iterable, Iterator, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, collapse_addresses, ip_address
from typing import TypeVar

_IPV4 = tuple(
    (IPv4Network(network), rule)
    for network, rule in (
        ("0.0.0.0/8", "this network"),
        ("10.0.0.0/8", "private"),
        ("100.64.0.0/10", "shared"),  # also the metadata service of Alibaba Cloud
        ("127.0.0.0/8", "loopback"),
        ("168.63.129.16/32", "cloud host"),  # of Azure; public by the registry
        ("169.254.0.0/16", "link-local"),  # also the metadata service of most clouds
        ("172.16.0.0/12", "private"),
        ("192.0.0.0/24", "protocol assignments"),
        ("192.0.2.0/24", "documentation"),
        ("192.88.99.0/24", "6to4 relay"),
        ("192.168.0.0/16", "private"),
        ("198.18.0.0/15", "benchmarking"),
        ("198.51.100.0/24", "documentation"),
        ("203.0.113.0/24", "documentation"),
        ("224.0.0.0/4", "multicast"),
        ("240.0.0.0/4", "reserved"),
    )
)

_IPV6_PUBLIC = IPv6Network("2000::/3")
"""Global unicast. Outside lie loopback, NAT64, unique local, link-local, site-local, multicast and the rest."""

_IPV6 = tuple(
    (IPv6Network(network), rule)
    for network, rule in (
        ("2001::/23", "protocol assignments"),  # with Teredo, benchmarking, ORCHID
        ("2001:db8::/32", "documentation"),
        ("2002::/16", "6to4"),
        ("2620:4f:8000::/48", "AS112"),
        ("3fff::/20", "documentation"),
    )
)

Network = TypeVar("Network", IPv4Network, IPv6Network)

_LOCAL_NAMES = (".localhost", ".local", ".internal")
_OPEN_PORTS = frozenset({80, 443})
_REFUSED_PORTS = frozenset({2375, 3306, 5432, 6379, 11211})
"""Docker, MySQL, PostgreSQL, Redis, memcached: what takes orders from whoever connects."""


def refusal(address: str, allowed: Sequence[IPv4Network | IPv6Network] = ()) -> str | None:
    """The name of the rule that refuses this IP address; None: we may connect. `allowed` overrides the tables."""
    try:
        ip = ip_address(address)
    except ValueError:
        return "not an address"
    if isinstance(ip, IPv6Address):
        if ip.scope_id is not None:
            return "scope"
        ip = ip.ipv4_mapped or ip
    if any(ip in network for network in allowed):
        return None
    return _not_public(ip)


def _not_public(ip: IPv4Address | IPv6Address) -> str | None:
    if isinstance(ip, IPv4Address):
        return next((rule for network, rule in _IPV4 if ip in network), None)
    if ip not in _IPV6_PUBLIC:
        return "not public"
    return next((rule for network, rule in _IPV6 if ip in network), None)


def public() -> tuple[IPv4Network | IPv6Network, ...]:
    """The fewest networks that have every address in them which the tables do not refuse, and no other."""
    ipv4 = _without(IPv4Network("0.0.0.0/0"), [network for network, _ in _IPV4])
    ipv6 = _without(_IPV6_PUBLIC, [network for network, _ in _IPV6])
    return *ipv4, *ipv6


def _without(whole: Network, holes: Iterable[Network]) -> Iterator[Network]:
    left = [whole]
    for hole in holes:
        left = [part for one in left for part in (one.address_exclude(hole) if hole.subnet_of(one) else [one])]
    return collapse_addresses(left)


def port_refusal(port: int) -> str | None:
    """The name of the rule that refuses this port at any address; None: it may be a receiver's."""
    receivers = port in _OPEN_PORTS or 1024 <= port <= 65535  # noqa: PLR2004 - the ports that need no privilege
    return None if receivers and port not in _REFUSED_PORTS else "port"


def name_refusal(host: str) -> str | None:
    """The name of the rule that refuses this host name before it is resolved; None: ask the resolver."""
    name = host.lower().rstrip(".")
    if "." not in name:
        return "single-label name"
    return "local name" if name.endswith(_LOCAL_NAMES) else None
