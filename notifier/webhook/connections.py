"""What is open to one endpoint: guarded, bounded in number and time, never older than a minute when reused."""

import asyncio
import socket
import ssl
from dataclasses import dataclass
from functools import cache
from types import TracebackType

from aiohttp import AddrInfoType, ClientSession, ClientTimeout, DummyCookieJar, TCPConnector
from aiohttp.abc import AbstractResolver

from notifier import __version__
from notifier.core.model import Endpoint
from notifier.webhook.guard import CheckingResolver, checked_socket, checked_url

READ_BUFFER = 8192
"""Bytes of an answer; reading from the socket pauses when twice so many have piled up."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How long things may take, in seconds; the whole attempt has the endpoint's `timeout`."""

    resolve: float = 5.0
    connect: float = 5.0
    """TCP and TLS together."""
    body_idle: float = 5.0
    """Until the next byte of an answer's body."""
    age: float = 60.0
    """Of a connection that is used again: its address was judged so long ago."""


@cache
def tls() -> ssl.SSLContext:
    """TLS 1.2 or newer, certificate and host name checked. Made once: it reads all authorities from disk."""
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    return context


class Connections:
    """Connections to one endpoint that are given up together; entered by every request."""

    def __init__(
        self, endpoint: Endpoint, limits: Limits, resolver: AbstractResolver, trust: ssl.SSLContext | None
    ) -> None:
        """Raises as `checked_url` does."""
        self.url = checked_url(endpoint.url, allow_http=endpoint.allow_http)
        self.sockets = 0
        """Opened so far. A request during which none was opened went over a reused connection."""
        self._allowed = endpoint.allow_networks
        self._in_use = 0
        self._unused = asyncio.Event()
        connector = TCPConnector(
            limit=endpoint.max_in_flight,
            resolver=CheckingResolver(resolver, self._allowed, limits.resolve),
            socket_factory=self._socket,
            ssl=trust or (tls() if self.url.scheme == "https" else True),
        )
        self.session = ClientSession(
            connector=connector,
            headers={
                "host": self.url.host_port_subcomponent or "",
                "content-type": "application/json",
                "user-agent": f"notifier/{__version__}",
                "accept-encoding": "identity",
                **{name.lower(): value for name, value in endpoint.headers.items()},
            },
            skip_auto_headers=["accept"],
            cookie_jar=DummyCookieJar(),
            timeout=timeouts(limits, endpoint.timeout),
            auto_decompress=False,
            read_bufsize=READ_BUFFER,
        )

    def __enter__(self) -> ClientSession:
        self._in_use += 1
        return self.session

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._in_use -= 1
        if not self._in_use:
            self._unused.set()

    async def close(self) -> None:
        """Let what is on its way end, then close; to be called when nobody enters any more."""
        if self._in_use:
            self._unused.clear()
            await self._unused.wait()
        await self.session.close()

    def _socket(self, found: AddrInfoType) -> socket.socket:
        made = checked_socket(found, self._allowed)
        self.sockets += 1
        return made


def timeouts(limits: Limits, total: float) -> ClientTimeout:
    """As aiohttp wants them: its `connect` spans the name's resolution and every address that is tried."""
    return ClientTimeout(total=total, connect=limits.resolve + limits.connect, sock_connect=limits.connect)
