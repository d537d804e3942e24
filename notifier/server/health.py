"""GET /healthz: the process answers. GET /readyz: both loops made a pass lately and the database answers."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from http import HTTPStatus

from aiohttp import web

from notifier.server.routes import Route
from notifier.systemd import Marks

LATELY = 30.0
"""Seconds within which each loop has made a pass."""
PROMPTLY = 1.0
"""Seconds within which the database answers."""

ALIVE = "Whether the process answers"
READY = "Whether both loops made a pass lately and the database answers"

Ping = Callable[[], Awaitable[object]]
"""Asks the database anything; raises where it cannot."""
Checks = Callable[[], Awaitable[Mapping[str, str]]]
"""What is checked → what is wrong with it, "" where all is well. It never raises, and tells no secret."""


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
        return f"no answer within {promptly:.0f} s: its disk is slow, or another program holds it"
    except Exception:  # noqa: BLE001  # whatever it is, the caller has no database, and no right to its words
        return "does not answer"
    return ""


def routes(checks: Checks) -> list[Route]:
    """Open to everybody."""
    ready = partial(_ready, checks)
    return [
        *(Route("GET", path, ALIVE, _alive, is_open=True) for path in ("/healthz", "/livez", "/-/healthy")),
        *(Route("GET", path, READY, ready, is_open=True) for path in ("/readyz", "/-/ready")),
    ]


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
