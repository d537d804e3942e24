"""text → durations, rates, addresses, networks; what cannot be read raises `Wrong` with what was expected.

How each is written is a regular expression that every dialect of them knows: the config's schema tells it to editors.
"""

import re
from contextlib import suppress
from datetime import datetime
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

from notifier.config.faults import Wrong
from notifier.core import moments
from notifier.core.model import Rate
from notifier.core.moments import SECONDS

LONGEST = "3650d"

RATE = 'expected a rate like "50/s", "60/m", "1000/h", "5000/d"'
ADDRESS = 'expected an address like "127.0.0.1:9480" or "[::1]:9480"'
NETWORK = 'expected a network like "127.0.0.0/8" or "fd00::/8"'
MOMENT = "expected not_after to be a date, a time and its offset, like 2026-12-01T00:00:00Z"
LAST_PORT = 65535
RATE_SPELLED = "[0-9]{1,9}/[smhd]"
ADDRESS_SPELLED = r"(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]+):[0-9]{1,5}"
NETWORK_SPELLED = "[0-9A-Fa-f:.]+/[0-9]{1,3}"


def seconds(text: str) -> float:
    """A duration, `"36h"`, in seconds."""
    try:
        return moments.seconds(text)
    except ValueError as error:
        raise Wrong(str(error)) from None


def rate(text: str) -> Rate:
    """`"60/m"`; a count of 0 means: no limit."""
    if not re.fullmatch(RATE_SPELLED, text):
        raise Wrong(RATE)
    count, _, unit = text.partition("/")
    return Rate(int(count), SECONDS[unit])


def rate_text(rate: Rate) -> str:
    """The rate as a config has it."""
    return f"{rate.count:g}/{moments.unit(rate.seconds)}"


def address(text: str) -> tuple[str, int]:
    """Host and port of a place to listen at; an IPv6 host stands in brackets."""
    host, _, port = text.rpartition(":")
    if not re.fullmatch(ADDRESS_SPELLED, text) or int(port) > LAST_PORT:
        raise Wrong(ADDRESS)
    inside = host.strip("[]")
    if inside != host and not is_ip(inside):
        raise Wrong(ADDRESS)
    return inside, int(port)


def network(text: str) -> IPv4Network | IPv6Network:
    """A network in CIDR form; one with host bits set is told with the network that it is in."""
    try:
        network = ip_network(text, strict=False)
    except ValueError:
        raise Wrong(NETWORK) from None
    if not re.fullmatch(NETWORK_SPELLED, text) or ip_address(text.partition("/")[0]) != network.network_address:
        raise Wrong(NETWORK, str(network))
    return network


def moment(value: object) -> float:
    """A date and time of TOML, or one written as RFC 3339 has it, in Unix seconds; it has its offset."""
    if isinstance(value, str):
        with suppress(ValueError):
            return moments.moment(value)
    if not isinstance(value, datetime) or value.tzinfo is None:
        raise Wrong(MOMENT)
    return value.timestamp()


def is_loopback(host: str) -> bool:
    """Whether a host, as it is written, can only be this machine."""
    return host == "localhost" or (is_ip(host) and ip_address(host).is_loopback)


def is_ip(host: str) -> bool:
    """Whether a host is an address, not a name."""
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
