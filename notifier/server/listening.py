"""Routes → a server that listens: our headers on every answer, every error a problem document."""

import errno
import os
import socket
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from notifier.server import problems, sockets
from notifier.server.access import Guard, is_local
from notifier.server.connections import HEADERS, PATIENCE, Runner
from notifier.server.routes import Route
from notifier.server.sockets import CannotListen

LARGEST_BODY = 1024 * 1024
"""Bytes of what is asked."""
SOON = 1.0
"""Seconds that a call which was accepted gets to end, once the server closes."""


@dataclass(frozen=True, slots=True)
class Server:
    """A server that listens, over TCP at `port`; 0 where it does not."""

    port: int
    _opened: AsyncExitStack

    async def close(self) -> None:
        """Answer what was accepted, and let go of socket and port."""
        await self._opened.aclose()


async def start(
    routes: Iterable[Route],
    guard: Guard,
    socket: Path | None = None,
    listen: tuple[str, int] | None = None,
    passed: Sequence[socket.socket] = (),
) -> Server:
    """Listen at the control socket, on (host, port), port 0 being any free one, and at what others opened for us.

    Raises `CannotListen`. A place where one of the `passed` listens already is not opened again.
    """
    app = web.Application(client_max_size=LARGEST_BODY)
    found = {
        app.router.add_route(method, route.path, route.handler): route for route in routes for method in route.methods
    }
    app.middlewares.extend([_finished, _guarded(guard, found)])
    app.on_response_prepare.append(_ours)
    async with AsyncExitStack() as opened:
        runner = Runner(app, access_log=None, shutdown_timeout=SOON, keepalive_timeout=PATIENCE, auto_decompress=False)
        opened.push_async_callback(runner.cleanup)
        await runner.setup()
        if socket is not None:
            bound = sockets.bind(socket)
            opened.callback(bound.remove)
            await web.SockSite(runner, bound.socket).start()
        for one in passed:
            await web.SockSite(runner, one).start()
        is_open = listen in [one.getsockname()[:2] for one in passed]
        port = 0 if listen is None or is_open else await _listen(runner, *listen)
        return Server(port, opened.pop_all())


async def _listen(runner: web.AppRunner, host: str, port: int) -> int:
    site = web.TCPSite(runner, host, port)
    try:
        await site.start()
    except (OSError, UnicodeError) as error:  # the latter: a host that cannot even be looked up
        place = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        raise CannotListen(f"server.listen: {place}: {_why(error)}") from error
    return int(runner.addresses[-1][1])


def _why(error: Exception) -> str:
    """The system's words, without those of asyncio, which names the address once more."""
    match error:
        case OSError(errno=errno.EPERM):  # of SocketBindDeny=
            return f"{os.strerror(errno.EPERM)}: its unit lets the daemon open no port, so use notifier-http.socket"
        case OSError(errno=int(number)) if number > 0:
            return os.strerror(number)
        case OSError(strerror=str(words)):  # a resolver's
            return words
        case _:
            return str(error)


@web.middleware
async def _finished(request: web.Request, handler: Handler) -> web.StreamResponse:
    """An error as a problem document."""
    try:
        return await handler(request)
    except Exception as error:  # noqa: BLE001  # whatever it is, it is the caller's answer
        return problems.told(error)


async def _ours(_: web.Request, response: web.StreamResponse) -> None:
    """Our headers on every answer."""
    response.headers.update(HEADERS)


def _guarded(guard: Guard, found: Mapping[web.AbstractRoute, Route]) -> Middleware:
    """Over TCP only to those whom the guard lets in, except what is open."""

    @web.middleware
    async def guarded(request: web.Request, handler: Handler) -> web.StreamResponse:
        route = found.get(request.match_info.route)
        if not (route is not None and route.is_open) and not is_local(request):
            guard.check(request)
        return await handler(request)

    return guarded
