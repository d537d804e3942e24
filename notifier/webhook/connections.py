"""What is open to one endpoint: guarded, bounded in time, never older than a minute when reused."""

import asyncio
import socket
import ssl
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from types import TracebackType

from aiohttp import AddrInfoType
from aiohttp.abc import AbstractResolver
from yarl import URL

from notifier import __version__
from notifier.core.model import Endpoint
from notifier.webhook.course import Handshake, Leg, TimedConnector, enter
from notifier.webhook.guard import CheckingResolver, checked_socket
from notifier.webhook.session import Session
from notifier.webhook.trust import context
from notifier.webhook.unused import Unused


@dataclass(frozen=True, slots=True)
class Limits:
    """How long things may take, in seconds; the whole attempt has the endpoint's `timeout`."""

    resolve: float = 5.0
    connect: float = 5.0
    """TCP, all addresses together."""
    tls: float = 5.0
    first_byte: float = 15.0
    """From the connection to the end of the answer's headers, however many interim answers come."""
    body_idle: float = 5.0
    """Until the next byte of an answer's body."""
    age: float = 60.0
    """Of a connection that is used again: its address was judged so long ago."""
    at_once: float = 1.0
    """Within which connecting must have been refused to be tried once more."""

    @property
    def legs(self) -> dict[Leg, float]:
        """Those of an attempt's legs; a name's is kept by its resolver."""
        return {Leg.CONNECT: self.connect, Leg.TLS: self.tls, Leg.FIRST_BYTE: self.first_byte}


@cache
def tls() -> ssl.SSLContext:
    """What endpoints without files of their own have. Made once: it reads all authorities from disk."""
    return context()


class Connections:
    """Connections to one endpoint that are given up together; entered by every request."""

    def __init__(
        self,
        endpoint: Endpoint,
        url: URL,
        limits: Limits,
        resolver: AbstractResolver,
        trust: ssl.SSLContext | None,
        unused: Unused,
        give_up: Callable[["Connections"], None],
    ) -> None:
        """To the `url`, which is checked. They ask to `give_up` them all when the last was unused, and is closed."""
        self._allowed = endpoint.allow_networks
        self._in_use = 0
        self._done: asyncio.Event | None = None
        """None: nobody waits for the last of those in use."""
        self._give_up = give_up
        connector = TimedConnector(
            unused,
            resolver=CheckingResolver(resolver, self._allowed, limits.resolve),
            socket_factory=self._socket,
            ssl=_timed(trust or tls()) if url.scheme == "https" else True,
        )
        headers = {
            "host": url.host_port_subcomponent or "",
            "content-type": "application/json",
            "user-agent": f"notifier/{__version__}",
            "accept-encoding": "identity",
            **{name.lower(): value for name, value in endpoint.headers.items()},
            **authorization(endpoint),
        }
        self.session = Session(connector, url, headers, unused, self._none_left)

    def __enter__(self) -> Session:
        self._in_use += 1
        return self.session

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._in_use -= 1
        if not self._in_use and self._done is not None:
            self._done.set()

    async def close(self) -> None:
        """Let what is on its way end, then close; to be called when nobody enters any more."""
        if self._in_use:
            self._done = asyncio.Event()
            await self._done.wait()
        await self.session.close()
        del self.session  # its connector holds us: what ends in a circle, the collector has to find

    def _none_left(self) -> None:
        if not self._in_use:
            self._give_up(self)

    def _socket(self, found: AddrInfoType) -> socket.socket:
        made = checked_socket(found, self._allowed)
        enter(Leg.CONNECT)
        return made


def _timed(context: ssl.SSLContext) -> ssl.SSLContext:
    context.sslobject_class = Handshake
    return context


def authorization(endpoint: Endpoint) -> dict[str, str]:
    """The header that bears the endpoint's credentials, where it has any: RFC 6750, or RFC 7617 in UTF-8."""
    if endpoint.bearer is not None:
        return {"authorization": f"Bearer {endpoint.bearer.reveal()}"}
    if endpoint.basic is not None:
        pair = f"{endpoint.basic.user}:{endpoint.basic.password.reveal()}"
        return {"authorization": f"Basic {b64encode(pair.encode()).decode()}"}
    return {}
