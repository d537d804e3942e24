"""GET /healthz: the process answers. GET /readyz: both loops made a pass lately and the database answers."""

import asyncio
import os
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus

from aiohttp import web
from aiohttp.typedefs import Handler

from notifier.systemd import Marks

LATELY = 30.0
"""Seconds within which each loop has made a pass."""
PROMPTLY = 1.0
"""Seconds within which the database answers."""

Ping = Callable[[], Awaitable[object]]
"""Asks the database anything; raises where it cannot."""
Checks = Callable[[], Awaitable[Mapping[str, str]]]
"""What is checked → what is wrong with it, "" where all is well. It never raises, and tells no secret."""

HEADERS = {"Server": "notifier", "X-Content-Type-Options": "nosniff", "Cache-Control": "no-store"}


def readiness(marks: Marks, ping: Ping, promptly: float = PROMPTLY) -> Checks:
    """The checks of `/readyz`."""

    async def checks() -> Mapping[str, str]:
        late = marks.late(LATELY)
        found = {loop: f"no pass within {LATELY:.0f} s" if loop in late else "" for loop in marks.loops}
        return {**found, "database": await _asked(ping, promptly)}

    return checks


async def _asked(ping: Ping, promptly: float) -> str:
    try:
        async with asyncio.timeout(promptly):
            await ping()
    except TimeoutError:
        return f"no answer within {promptly:.0f} s"
    except Exception:  # noqa: BLE001  # whatever it is, the caller has no database, and no right to its words
        return "does not answer"
    return ""


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


async def start(listen: tuple[str, int], checks: Checks) -> Server:
    """Listen on (host, port), port 0 being any free one; raises `CannotListen`."""
    app = web.Application(middlewares=[_finished])
    for path in ("/healthz", "/livez", "/-/healthy"):
        app.router.add_get(path, _alive)
    for path in ("/readyz", "/-/ready"):
        app.router.add_get(path, partial(_ready, checks))
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


async def _alive(_: web.Request) -> web.Response:
    return web.Response(text="ok")


async def _ready(checks: Checks, request: web.Request) -> web.Response:
    """As Kubernetes has it: a line for each check that fails, or for each at all where `?verbose` asks."""
    found = await checks()
    faulty = any(found.values())
    lines = [
        f"[-] {name}: {fault}" if fault else f"[+] {name}"
        for name, fault in found.items()
        if fault or "verbose" in request.query
    ]
    text = "\n".join([*lines, "not ready" if faulty else "ok"])
    return web.Response(text=text, status=HTTPStatus.SERVICE_UNAVAILABLE if faulty else HTTPStatus.OK)


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
    document = {"type": "about:blank", "title": error.reason, "status": error.status}
    headers = {"Allow": error.headers["Allow"]} if "Allow" in error.headers else {}
    return web.json_response(document, status=error.status, headers=headers, content_type="application/problem+json")
