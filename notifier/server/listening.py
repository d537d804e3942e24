"""Routes → a server that listens: our headers on every answer, every error a problem document."""

import os
from collections.abc import Iterable
from dataclasses import dataclass

from aiohttp import web
from aiohttp.typedefs import Handler

HEADERS = {"Server": "notifier", "X-Content-Type-Options": "nosniff", "Cache-Control": "no-store"}
KEPT = ("Allow", "WWW-Authenticate")
"""Headers of an error without which its status would say too little."""


@dataclass(frozen=True, slots=True)
class Server:
    """A server that listens on `port`."""

    port: int
    _runner: web.AppRunner

    async def close(self) -> None:
        """Answer what was accepted, and let go of the port."""
        await self._runner.cleanup()


class CannotListen(OSError):
    """The address of `server.listen` cannot be had; the message says why."""


async def start(listen: tuple[str, int], routes: Iterable[web.RouteDef]) -> Server:
    """Listen on (host, port), port 0 being any free one; raises `CannotListen`."""
    app = web.Application(middlewares=[_finished])
    app.router.add_routes(routes)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    host, port = listen
    try:
        await web.TCPSite(runner, host, port).start()
    except (OSError, UnicodeError) as error:  # the latter: a host that cannot even be looked up
        await runner.cleanup()
        place = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        raise CannotListen(f"server.listen: {place}: {_why(error)}") from error
    return Server(runner.addresses[0][1], runner)


def _why(error: Exception) -> str:
    """The system's words, without those of asyncio, which names the address once more."""
    match error:
        case OSError(errno=int(number)) if number > 0:
            return os.strerror(number)
        case OSError(strerror=str(words)):  # a resolver's
            return words
        case _:
            return str(error)


@web.middleware
async def _finished(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Our headers on every answer, and an error as a problem document (RFC 9457)."""
    try:
        response = await handler(request)
    except web.HTTPException as error:
        response = _problem(error)
    response.headers.update(HEADERS)
    return response


def _problem(error: web.HTTPException) -> web.Response:
    """What was raised with a text of its own has that for its `detail`."""
    document = {"type": "about:blank", "title": error.reason, "status": error.status}
    if error.text != f"{error.status}: {error.reason}":
        document["detail"] = error.text
    headers = {name: error.headers[name] for name in KEPT if name in error.headers}
    return web.json_response(document, status=error.status, headers=headers, content_type="application/problem+json")
