"""Can an endpoint be reached? Its name, its address, TLS, by the code and the rules of every attempt; no request."""

import asyncio
import socket
from ssl import SSLCertVerificationError, SSLContext, SSLError

from aiohttp import (
    ClientConnectorCertificateError,
    ClientConnectorDNSError,
    ClientConnectorError,
    ClientConnectorSSLError,
    ClientSSLError,
)
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.client_reqrep import ConnectionKey
from yarl import URL

from notifier.core.model import Endpoint, Outcome
from notifier.webhook import verdict
from notifier.webhook.connections import tls
from notifier.webhook.course import Leg, OutOfTime
from notifier.webhook.guard import CheckingResolver, checked_socket, checked_url
from notifier.webhook.trust import own_context


async def reach(
    endpoint: Endpoint, names: AbstractResolver, *, within: float, own_port: int | None, trust: SSLContext | None = None
) -> tuple[Outcome, str] | None:
    """What keeps us from an endpoint, and a note as of an `Attempt`; None where nothing does.

    At most `within` seconds. `trust` is what an endpoint without files of its own has.
    """
    try:
        url = checked_url(endpoint.url, allow_http=endpoint.allow_http, own_port=own_port)
        await _Try(endpoint, url, names, own_context(endpoint) or trust or tls()).within(within)
    except Exception as error:  # noqa: BLE001  # as an attempt's: one endpoint's trouble is told, and reaches no other
        return verdict.fault(error, verdict.host_of(endpoint.url) or "the endpoint")
    return None


class _Try:
    """On the way to an endpoint."""

    def __init__(self, endpoint: Endpoint, url: URL, names: AbstractResolver, trust: SSLContext) -> None:
        self._allowed = endpoint.allow_networks
        self._names = names
        self._host, self._port = url.raw_host or "", url.port or 0
        self._trust = trust if url.scheme == "https" else None
        self._key = ConnectionKey(self._host, self._port, self._trust is not None, True, None, None, None)
        self._leg = Leg.DNS

    async def within(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._connect(await self._addresses(seconds))
        except TimeoutError:
            raise OutOfTime(self._leg, total=False) from None

    async def _addresses(self, seconds: float) -> list[ResolveResult]:
        """As aiohttp has it, an address is its own name."""
        family = socket.AF_INET6 if ":" in self._host else socket.AF_INET
        if family is socket.AF_INET6 or self._host.replace(".", "").isdigit():
            there = ResolveResult(
                hostname=self._host, host=self._host, port=self._port, family=family, proto=0, flags=0
            )
            return [there]
        try:
            names = CheckingResolver(self._names, self._allowed, seconds)
            return await names.resolve(self._host, self._port, socket.AF_UNSPEC)
        except OSError as error:
            raise ClientConnectorDNSError(self._key, error) from None

    async def _connect(self, addresses: list[ResolveResult]) -> None:
        """To the first that lets us; one that lets us and cannot prove who it is is the end."""
        *others, last = addresses
        for one in others:
            try:
                return await self._met(one)
            except ClientSSLError:
                raise
            except ClientConnectorError:
                continue
        return await self._met(last)

    async def _met(self, one: ResolveResult) -> None:
        """Raises what aiohttp would."""
        self._leg = Leg.CONNECT
        try:
            await self._shake_hands(one)
        except SSLCertVerificationError as error:
            raise ClientConnectorCertificateError(self._key, error) from None
        except SSLError as error:
            raise ClientConnectorSSLError(self._key, error) from None
        except OSError as error:
            raise ClientConnectorError(self._key, error) from None

    async def _shake_hands(self, one: ResolveResult) -> None:
        loop, end = asyncio.get_running_loop(), (one["host"], one["port"])
        family = socket.AddressFamily(one["family"])
        with checked_socket((family, socket.SOCK_STREAM, 0, "", end), self._allowed) as connection:
            connection.setblocking(False)
            await loop.sock_connect(connection, end)
            if self._trust is not None:
                self._leg = Leg.TLS
                transport, _ = await loop.create_connection(
                    asyncio.Protocol, sock=connection, ssl=self._trust, server_hostname=self._host
                )
                transport.abort()
