"""Receivers on 127.0.0.1 that answer byte by byte as a test wants it, and names that mean what a test says."""

import asyncio
import base64
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from ipaddress import ip_network

from aiohttp.abc import AbstractResolver

from notifier.core.model import Endpoint
from notifier.core.secret import Secret
from notifier.webhook import Receiver

KEY = "whsec_" + base64.b64encode(bytes(range(224, 256))).decode()
"""With every letter that somebody escapes: + and / and =."""
LOCAL = (ip_network("127.0.0.0/8"),)
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


@dataclass
class Clock:
    """A clock that is moved by hand."""

    now: float = 0.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Request:
    """A request as it came."""

    line: str
    headers: list[tuple[str, str]]
    body: bytes


Act = Callable[["Server", asyncio.StreamWriter], Awaitable[object]]


@dataclass
class Server:
    """What came in. After each request `act` answers; the connection is closed where it says so, by False."""

    act: Act
    port: int = 0
    connections: int = 0
    requests: list[Request] = field(default_factory=list)
    came: asyncio.Event = field(default_factory=asyncio.Event)
    """Set by every request."""
    left: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when a connection has ended."""
    tasks: set[asyncio.Task] = field(default_factory=set)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.tasks.add(asyncio.current_task())
        self.connections += 1
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
                while True:
                    self.requests.append(await read(reader))
                    self.came.set()
                    if await self.act(self, writer) is False:
                        break
        finally:
            writer.close()
            with suppress(ConnectionError, ssl.SSLError, asyncio.CancelledError):
                await writer.wait_closed()
            self.left.set()


async def read(reader: asyncio.StreamReader) -> Request:
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    line, *lines = head.rstrip().split("\r\n")
    headers = [tuple(one.split(": ", 1)) for one in lines]
    length = next(int(value) for name, value in headers if name.lower() == "content-length")
    return Request(line, headers, await reader.readexactly(length))


def answer(*parts: bytes, close: bool = False) -> Act:
    """Answers that are sent in turn, the last again and again."""

    async def act(server: Server, writer: asyncio.StreamWriter) -> bool:
        writer.write(parts[min(len(server.requests), len(parts)) - 1])
        await writer.drain()
        return not close

    return act


async def nothing(_server: Server, _writer: asyncio.StreamWriter) -> None:
    """No answer, and the connection stays open."""
    await asyncio.Event().wait()


async def reset(_server: Server, writer: asyncio.StreamWriter) -> bool:
    """Cut the connection off without a farewell."""
    writer.transport.abort()
    return False


@asynccontextmanager
async def serving(act: Act, tls: ssl.SSLContext | None = None) -> AsyncIterator[Server]:
    server = Server(act)
    listener = await asyncio.start_server(server.serve, "127.0.0.1", 0, ssl=tls, limit=2**20)
    server.port = listener.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listener.close()
        for task in server.tasks:
            task.cancel()
        await asyncio.gather(*server.tasks, return_exceptions=True)
        await listener.wait_closed()


@dataclass
class Names(AbstractResolver):
    """A resolver that knows what it was told: a name's addresses, in turn where there are several lists of them."""

    known: dict[str, list[str]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    async def resolve(self, host, port=0, family=socket.AF_INET):
        self.asked.append(host)
        if host not in self.known:
            raise OSError(None, "Name or service not known")
        return [
            {"hostname": host, "host": ip, "port": port, "proto": 0, "flags": 0,
             "family": socket.AF_INET6 if ":" in ip else socket.AF_INET}
            for ip in self.known[host]
        ]  # fmt: skip

    async def close(self):
        pass


def endpoint(url: str | int, **more) -> Endpoint:
    """An endpoint at a URL, or at a port of this machine."""
    where = f"http://127.0.0.1:{url}/hook" if isinstance(url, int) else url
    usual = {"secrets": (Secret(KEY),), "allow_http": True, "allow_networks": LOCAL, "timeout": 60.0}
    return Endpoint(name="app", url=where, **{**usual, **more})


@asynccontextmanager
async def receiver(url: str | int, *, names: Names | None = None, more: dict | None = None, **given):
    """The client under test, closed at the end."""
    one = Receiver(endpoint(url, **(more or {})), resolver=names or Names(), **given)
    try:
        yield one
    finally:
        await one.close()


async def attempted(act: Act, **given):
    """One attempt at a receiver that acts so."""
    async with serving(act) as server, receiver(server.port, **given) as one:
        return await one.post("evt_1", b'{"id":"evt_1"}')
