"""The connections to a server: few enough over TCP, none that stays without asking, none closed that is about to."""

import asyncio
import socket
from contextlib import suppress
from http import HTTPStatus
from typing import Any

from aiohttp import web

from notifier.server import problems
from notifier.server.problems import Problem

MOST_STRANGERS = 200
"""Connections over TCP: one more is closed at once, so that they leave enough descriptors to the deliveries."""
PATIENCE = 60.0
"""Seconds from the beginning of a connection, or from its last answer, until the whole head of a question is there."""
TURNS = 3
"""Of the event loop, after which a connection that it has accepted is one that we know of. If the server were closed
before, Python 3.11 would drop it."""
MOMENT = 0.5
"""Seconds that one who has just connected gets to ask, once the server closes."""

HEADERS = {"Server": "notifier", "X-Content-Type-Options": "nosniff", "Cache-Control": "no-store"}
"""Of every answer."""


class Connection(web.RequestHandler):
    """One of them, as aiohttp speaks HTTP over it."""

    __slots__ = ("_has_asked",)

    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self._has_asked = asyncio.Event()

    def data_received(self, data: bytes) -> None:
        """A part of a question."""
        super().data_received(data)
        if self._messages:
            self._has_asked.set()

    def connection_lost(self, exc: BaseException | None) -> None:
        """Nobody is there who could ask."""
        super().connection_lost(exc)
        self._has_asked.set()

    def close(self) -> None:
        """Take no other question; one that has not come yet, and may be on its way, is the first."""
        if self._has_asked.is_set():
            super().close()

    async def shutdown(self, timeout: float | None = 15.0) -> None:  # noqa: ASYNC109  # aiohttp's
        """Answer the first question, and let go."""
        with suppress(TimeoutError):
            async with asyncio.timeout(MOMENT):
                await self._has_asked.wait()
        await super().shutdown(timeout)

    def handle_error(
        self, _: web.BaseRequest, status: int = 500, exc: BaseException | None = None, __: str | None = None
    ) -> web.StreamResponse:
        """What is no HTTP is answered as other faults are, and logged by nobody: it may hold a token.

        What a call raises was answered before, so what else comes here failed in that.
        """
        no_http = Problem(HTTPStatus.BAD_REQUEST, "this is no HTTP, or has too much before its body")
        ours = exc if isinstance(exc, Exception) else TimeoutError()  # of which aiohttp gives none
        response = problems.told(ours if status >= HTTPStatus.INTERNAL_SERVER_ERROR else no_http)
        response.headers.update(HEADERS)
        response.force_close()
        return response


class Connections(web.Server):
    """All of them."""

    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self._strangers: set[web.RequestHandler] = set()

    def __call__(self) -> web.RequestHandler:
        """One more."""
        return Connection(self, loop=self._loop, **self._kwargs)

    def connection_made(self, handler: web.RequestHandler, transport: asyncio.Transport) -> None:
        """Close it where there are too many."""
        super().connection_made(handler, transport)
        if transport.get_extra_info("socket").family != socket.AF_UNIX:
            self._strangers.add(handler)
            if len(self._strangers) > MOST_STRANGERS:
                self._loop.call_soon(transport.abort)  # once it has been made

    def connection_lost(self, handler: web.RequestHandler, exc: BaseException | None = None) -> None:
        """It is no more."""
        super().connection_lost(handler, exc)
        self._strangers.discard(handler)


class Runner(web.AppRunner):
    """An application over such connections."""

    async def cleanup(self) -> None:
        """Let nobody else connect, and answer those who have."""
        loop = asyncio.get_running_loop()
        for site in self.sites:
            for listening in getattr(site._server, "sockets", ()):  # noqa: SLF001  # as aiohttp finds its addresses
                loop.remove_reader(listening.fileno())
        for _ in range(TURNS):
            await asyncio.sleep(0)
        await super().cleanup()

    async def _make_server(self) -> web.Server:  # what aiohttp has others override
        made = await super()._make_server()
        return Connections(made.request_handler, request_factory=made.request_factory, **self._kwargs)


def cut_off(request: web.Request) -> None:
    """Close the connection of a request at once: what it was told is not whole."""
    if request.transport is not None:  # else it is closed already
        request.transport.abort()
