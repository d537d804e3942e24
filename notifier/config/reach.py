"""the config as it is written → the networks that the daemon connects to besides the public ones."""

from collections.abc import Iterator
from ipaddress import IPv4Network, IPv6Network, ip_network
from urllib.parse import urlsplit

from notifier.config.models import File, sending
from notifier.config.units import is_ip, network
from notifier.config.urls import is_refused


def reached(file: File) -> tuple[list[IPv4Network | IPv6Network], list[str]]:
    """What is to be allowed: every `allow_networks`, and the address in a `base_url` that is not public.

    And a sentence for each name in a `base_url` that leads to no public address: to which, is not asked here.
    """
    tables = [file.delivery, *(sending(endpoint, file.delivery) for endpoint in file.endpoints)]
    networks = [network(text) for table in tables for text in table.allow_networks]
    unknown = []
    for name, host in _inner_hosts(file):
        if is_ip(host):
            networks.append(ip_network(host))
        else:
            unknown.append(
                f"sources.{name}.base_url: {host} is a name of this network: --allow ADDRESS lets it be reached"
            )
    return list(dict.fromkeys(networks)), unknown


def _inner_hosts(file: File) -> Iterator[tuple[str, str]]:
    for source in file.sources:
        if source.base_url and is_refused(source.base_url, ()):
            yield source.name, urlsplit(source.base_url).hostname or ""
