"""GET /v1/stream: every event as it is announced, as server-sent events; who was cut off goes on where that was.

Nothing is held for anybody: what has been announced is read from the log of all events, as fast as the reader takes it.
"""

import asyncio
from http import HTTPStatus
from typing import Annotated

from aiohttp import web
from pydantic import Field

from notifier.server import problems
from notifier.server.connections import cut_off
from notifier.server.events import Type
from notifier.server.problems import Problem
from notifier.server.routes import Route
from notifier.server.taking import DIGITS, Taken, taken
from notifier.store import EventRow, Store

MOST_READERS = 50
BEAT = 15.0
"""Seconds of silence after which a reader is told that there is nothing to tell."""
SLOW = 30.0
"""Seconds that a reader may take for a piece; one who takes longer is cut off, and may resume."""
HEADERS = {"Content-Type": "text/event-stream", "X-Accel-Buffering": "no"}
BEGIN = b"retry: 2000\nid: %d\n\n"
"""With the position from which it goes on, for who is cut off before anything is announced."""
SILENCE = b":\n\n"


class Which(Taken):
    """Which events, and after which position of the log: else those that are announced from now on."""

    type: Type = "*"
    source: str | None = None
    after: Annotated[int, Field(ge=0), DIGITS] | None = None


class Stream:
    """All who follow."""

    def __init__(self, store: Store, beat: float = BEAT, slow: float = SLOW) -> None:
        self._store = store
        self._beat = beat
        self._slow = slow
        self._following: list[web.Request] = []
        """Some may have gone, which they find out when they are woken."""
        self._era = 0
        self._is_closed = False

    @property
    def readers(self) -> int:
        """How many follow."""
        return sum(map(_is_there, self._following))

    def close(self) -> None:
        """End every stream, and those to come."""
        self._is_closed = True
        self.cut()

    def cut(self) -> None:
        """End every stream: who still may comes again, and goes on where that was."""
        self._era += 1
        self._store.announced.ring()

    async def follow(self, request: web.Request) -> web.StreamResponse:
        """Tell it all until the reader goes, or the daemon does."""
        which = await taken(request, Which)
        if which.source is not None:
            self._store.source_number(which.source)
        newest = await self._store.newest()
        after = min(_resumed(request, which.after, newest), newest)
        if len(self._following) >= MOST_READERS:
            self._store.announced.ring()
        if self.readers >= MOST_READERS:
            words = f"{MOST_READERS} follow already: try again when one has gone"
            raise Problem(HTTPStatus.SERVICE_UNAVAILABLE, words, headers={"Retry-After": "60"})
        response = web.StreamResponse(headers=HEADERS)
        await response.prepare(request)
        if request.method != "HEAD":
            self._following.append(request)
            try:
                await self._tell(request, response, which, after)
            except (ConnectionError, TimeoutError):
                cut_off(request)
            except Exception as error:  # noqa: BLE001  # it has its status already: the reader comes again
                problems.told(error)
                cut_off(request)
            finally:
                self._following.remove(request)
        return response

    async def _tell(self, request: web.Request, response: web.StreamResponse, which: Which, after: int) -> None:
        era = self._era
        await self._write(response, BEGIN % after)
        while era == self._era and not self._is_closed and _is_there(request):
            ring = self._store.announced.next
            found, reached = await self._store.events_after(after, which.type, which.source)
            if found:
                await self._write(response, b"".join(_message(row, body) for row, body in found))
            if reached > after:
                after = reached
                continue
            try:
                async with asyncio.timeout(self._beat):
                    await ring.wait()
            except TimeoutError:
                await self._write(response, SILENCE)

    async def _write(self, response: web.StreamResponse, piece: bytes) -> None:
        async with asyncio.timeout(self._slow):
            await response.write(piece)


def _is_there(request: web.Request) -> bool:
    return request.transport is not None and not request.transport.is_closing()


def routes(stream: Stream) -> list[Route]:
    """For those whom the guard lets in."""
    return [Route("GET", "/v1/stream", "Every event as it is announced, as server-sent events", stream.follow, Which)]


def _resumed(request: web.Request, after: int | None, newest: int) -> int:
    """The position after which to begin: a browser that comes again says which it had last."""
    last = request.headers.get("Last-Event-ID")
    if last is None:
        return newest if after is None else after
    if not last.isdecimal() or len(last) > len(str(1 << 62)):
        raise Problem(HTTPStatus.BAD_REQUEST, "Last-Event-ID: expected the position of an event, as the stream has it")
    return int(last)


def _message(row: EventRow, body: bytes) -> bytes:
    return f"id: {row.position}\nevent: {row.type}\ndata: ".encode() + body + b"\n\n"
