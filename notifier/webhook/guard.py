"""Two checks that a request goes to permitted addresses only.

aiohttp asks its resolver for names alone and, where a name has several addresses, passes over one that cannot be had.
So the resolver refuses a name that has any refused address, and the socket factory judges the address of every connect.
"""

import asyncio
import socket
from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Network
from urllib.parse import urlsplit

from aiohttp import AddrInfoType
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from notifier.core.address import name_refusal, port_refusal, refusal
from notifier.core.url import url_refusal

Networks = Sequence[IPv4Network | IPv6Network]

MOST_ADDRESSES = 8
"""Of one name that are tried: it may have a thousand, and aiohttp goes through those that are left at every failure."""


class RefusedAddress(OSError):
    """We do not connect there; `rule` is the name of the rule that says so."""

    def __init__(self, rule: str) -> None:
        super().__init__(rule)
        self.rule = rule


def checked_url(text: str, *, allow_http: bool, own_port: int | None = None) -> URL:
    """The URL to POST to; raises `RefusedAddress` where a rule forbids it. `own_port` is where we listen ourselves."""
    rule = url_refusal(text)
    if rule is not None:
        raise RefusedAddress(rule)
    url = URL(text)
    if url.scheme == "http" and not allow_http:
        raise RefusedAddress("http")
    if url.port == own_port:
        raise RefusedAddress("own port")
    return _untouched(url, text) if text.isascii() else url


def _untouched(url: URL, text: str) -> URL:
    """With path and query as they are written: a receiver may tell `%2F` from a slash, and a token is what it is."""
    parts = urlsplit(text)
    port = f":{url.explicit_port}" if url.explicit_port else ""
    authority, path = f"{url.host_subcomponent}{port}", parts.path or "/"
    return URL.build(scheme=url.scheme, authority=authority, path=path, query_string=parts.query, encoded=True)


def checked_socket(found: AddrInfoType, allowed: Networks) -> socket.socket:
    """A socket for this address; `RefusedAddress` before there is one."""
    family, kind, protocol, _, (address, port, *_) = found
    rule = refusal(str(address), allowed) or port_refusal(int(port))
    if rule is not None:
        raise RefusedAddress(rule)
    return socket.socket(family, kind, protocol)


class CheckingResolver(AbstractResolver):
    """Resolves a name, or refuses the whole of it where one of its addresses is refused."""

    def __init__(self, resolver: AbstractResolver, allowed: Networks, within: float) -> None:
        """An answer must come `within` seconds. Where networks are `allowed`, local names may be asked for too."""
        self._resolver = resolver
        self._allowed = allowed
        self._within = within

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Some of its addresses, at least one, all of which are permitted; raises `OSError`."""
        if not self._allowed and (rule := name_refusal(host)) is not None:
            raise RefusedAddress(rule)
        answers = await self._answers(host, port, family)
        for answer in answers:
            if (rule := refusal(answer["host"], self._allowed)) is not None:
                raise RefusedAddress(rule)
        return answers[:MOST_ADDRESSES]

    async def close(self) -> None:
        """Nothing is held here."""

    async def _answers(self, host: str, port: int, family: socket.AddressFamily) -> list[ResolveResult]:
        try:
            async with asyncio.timeout(self._within):
                answers = await self._resolver.resolve(host, port, family)
        except TimeoutError:
            raise OSError(None, f"no answer within {self._within:g} s") from None
        except UnicodeError:
            raise OSError(None, "not a host name") from None
        if not answers:
            raise OSError(None, "it has no address")
        return answers
