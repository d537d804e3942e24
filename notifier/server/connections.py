"""The connections to a server: few enough over TCP, none that stays without asking, and no word of what is no HTTP."""

import asyncio
import socket
from http import HTTPStatus
from typing import Any

from aiohttp import web

from notifier.server import problems
from notifier.server.problems import Problem

MOST_STRANGERS = 200
"""Connections over TCP: one more is closed at once, so that they leave enough descriptors to the deliveries."""
PATIENCE = 60.0
"""Seconds from the beginning of a connection, or from its last answer, until the whole head of a question is there."""


HEADERS = {"Server": "notifier", "X-Content-Type-Options": "nosniff", "Cache-Control": "no-store"}
"""Of every answer."""


class Connection(web.RequestHandler):
    """One of them, as aiohttp speaks HTTP over it."""

    def handle_error(self, *_: object, **__: object) -> web.StreamResponse:
        """What is no HTTP is answered as other faults are, and logged by nobody: it may hold a token.

        Nothing else comes here: what a call raises was answered before.
        """
        response = problems.told(Problem(HTTPStatus.BAD_REQUEST, "this is no HTTP, or has too much before its body"))
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

    async def _make_server(self) -> web.Server:  # what aiohttp has others override
        made = await super()._make_server()
        return Connections(made.request_handler, request_factory=made.request_factory, **self._kwargs)
