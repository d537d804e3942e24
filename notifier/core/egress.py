"""Networks that the config allows × name servers → the kernel's copy of the address check, as a drop-in of systemd.

The kernel knows no ports and no reasons: what it drops looks like a time-out. So `core.address` judges first, by the
same tables, and this is what stands behind it. See IPAddressAllow= in systemd.resource-control(5).
"""

import re
from collections.abc import Iterable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from notifier.core.address import public

METADATA = frozenset(
    map(
        ip_address,
        (
            "169.254.169.254",  # of most clouds; of Google's it is the name server, too
            "168.63.129.16",  # of Azure, where it is the name server, too
            "100.100.100.200",  # of Alibaba
            "fd00:ec2::254",  # of Amazon
        ),
    )
)
"""Whoever asks there is told the credentials of the machine, so that not even a name server may be reached there."""
COMMAND = "notifier systemd egress"
HEAD = f"""\
# Goes to /etc/systemd/system/notifier.service.d/10-egress.conf. Made for one machine: do not edit it, make it anew by
#   {COMMAND}%s
# when the name servers in /etc/resolv.conf change, an allow_networks, the address in a base_url, or the program.
# The daemon may send to public addresses, and to what is listed at the end. It judges by the same table before it
# sends, and names the rule; what the kernel drops looks like a time-out.
[Service]
IPAddressDeny=any
"""
IN_A_LINE = 8


def name_servers(resolv_conf: str) -> list[IPv4Address | IPv6Address]:
    """Those of resolv.conf(5), without their scopes; like the resolver, it passes over what it cannot read."""
    words = re.findall(r"^\s*nameserver\s+([^\s%]+)", resolv_conf, re.MULTILINE)
    return [address for word in words if (address := _address(word)) is not None]


def _address(text: str) -> IPv4Address | IPv6Address | None:
    """As it stands in a packet: an IPv4 address, where it is one in the clothes of IPv6."""
    try:
        address = ip_address(text)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def drop_in(
    allowed: Iterable[IPv4Network | IPv6Network], servers: Iterable[IPv4Address | IPv6Address], options: str = ""
) -> str:
    """The drop-in; `options` of the command that made it are kept in it. Servers with `METADATA` are left out."""
    beside = [ip_network(server) for server in servers if server not in METADATA]
    lines = [HEAD % (f" {options}" if options else "")]
    for title, networks in ((None, public()), ("name servers", beside), ("allowed besides", allowed)):
        wanted = [str(one) for one in dict.fromkeys(networks) if title is None or not _is_public(one)]
        if title is not None and wanted:
            lines.append(f"# {title}\n")
        lines.extend(_lines(wanted))
    return "".join(lines)


def options(text: str) -> str | None:
    """The options with which a drop-in was made; None where it was not made here."""
    found = re.search(rf"^#   {COMMAND}(?: (.*))?$", text, re.MULTILINE)
    return (found[1] or "") if found else None


def _is_public(network: IPv4Network | IPv6Network) -> bool:
    # By their first and last addresses, for networks of two kinds cannot be compared.
    return any(network[0] in one and network[-1] in one for one in public())


def _lines(networks: Sequence[str]) -> Iterable[str]:
    for start in range(0, len(networks), IN_A_LINE):
        yield f"IPAddressAllow={' '.join(networks[start : start + IN_A_LINE])}\n"
