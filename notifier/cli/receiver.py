"""A receiver on this machine: what arrives × the secret → what is said of it, and what it is answered with."""

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

import aiohttp
from aiohttp import web

from notifier.core.signing import Lock
from notifier.core.verifying import NAMES, Unverified, age_fault, verified

LARGEST = 16 * 1024 * 1024
"""Bytes of a request: many times what we send."""
FORM = "application/x-www-form-urlencoded"
TAKEN, REFUSED, UNREACHED = 204, 401, 502
NOT_FORWARDED = frozenset({"host", "content-length", "connection", "transfer-encoding", "accept-encoding"})
"""Headers that are about this connection alone."""


@dataclass(frozen=True, slots=True)
class Misbehaviour:
    """How it fails on purpose: with a status, in so many of all cases; and how long it takes over every answer."""

    fails: Sequence[tuple[int, float]] = ()
    """A status, and its chance from 0 to 1."""
    delay: float = 0.0
    """Seconds."""

    def status(self, draw: float) -> int | None:
        """What to answer instead, `draw` being a random number from 0 to 1."""
        for status, chance in self.fails:
            if draw < chance:
                return status
            draw -= chance
        return None


@dataclass(frozen=True, slots=True)
class Arrival:
    """A request, and what became of it."""

    at: float
    fault: str | None
    """Why it is not verified; None where it is, or where it is a call, which nobody signs."""
    warning: str | None
    is_call: bool
    """It came in Encoding.com's manner."""
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    answer: int
    forwarded: bool

    @property
    def document(self) -> Any:
        """What the body says; its text where it is no JSON, the fields where it is a form."""
        text = self.body.decode(errors="replace")
        if self.is_call:
            return dict(parse_qsl(text, keep_blank_values=True))
        try:
            return json.loads(text)
        except (ValueError, RecursionError):
            return text


class Listener:
    """Answers every POST at any path."""

    def __init__(
        self,
        lock: Lock,
        tell: Callable[[Arrival], None],
        clock: Callable[[], float],
        draw: Callable[[], float],
        misbehaviour: Misbehaviour = Misbehaviour(),  # it is frozen
        forward: str | None = None,
    ) -> None:
        """`lock` verifies, `draw` tells a random number from 0 to 1, and `forward` is a URL that gets it all too."""
        self._lock = lock
        self._tell = tell
        self._clock = clock
        self._draw = draw
        self._misbehaviour = misbehaviour
        self._forward = forward
        self.app = web.Application(client_max_size=LARGEST)
        self.app.router.add_post("/{path:.*}", self._receive)
        self.app.cleanup_ctx.append(self._with_session)
        self._session: aiohttp.ClientSession

    async def _with_session(self, _: web.Application) -> Any:
        async with aiohttp.ClientSession(auto_decompress=False, cookie_jar=aiohttp.DummyCookieJar()) as self._session:
            yield

    async def _receive(self, request: web.Request) -> web.Response:
        body, headers, now = await request.read(), _named(request.headers), self._clock()
        is_call = request.content_type == FORM
        fault, warning = (None, None) if is_call else self._judged(headers, body, now)
        await asyncio.sleep(self._misbehaviour.delay)
        answer = self._misbehaviour.status(self._draw())
        told = b""
        if answer is None:
            answer = TAKEN if fault is None else REFUSED
            if self._forward is not None:
                answer, told = await self._forwarded(self._forward, headers, body)
        self._tell(Arrival(now, fault, warning, is_call, headers, body, answer, self._forward is not None))
        return web.Response(status=answer, body=told)

    def _judged(self, headers: Mapping[str, str], body: bytes, now: float) -> tuple[str | None, str | None]:
        try:
            found = verified(headers, body, self._lock)
        except Unverified as error:
            return str(error), None
        return None, age_fault(found.timestamp, now)

    async def _forwarded(self, url: str, headers: Mapping[str, str], body: bytes) -> tuple[int, bytes]:
        """The answer of the other receiver; 502 where it has none."""
        kept = {name: value for name, value in headers.items() if name not in NOT_FORWARDED}
        try:
            async with self._session.post(url, data=body, headers=kept, allow_redirects=False) as response:
                return response.status, await _whole(response.content)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            return UNREACHED, f"{url} cannot be reached: {error}\n".encode()


async def _whole(content: aiohttp.StreamReader) -> bytes:
    """All of an answer, or as much of it as a request may have."""
    try:
        return await content.readexactly(LARGEST)
    except asyncio.IncompleteReadError as all_of_it:
        return all_of_it.partial


def _named(headers: Mapping[str, str]) -> dict[str, str]:
    """By their names in lower case; what is no UTF-8 in a value can neither be signed, nor shown, nor handed on."""
    return {
        name.lower(): value.encode(errors="surrogateescape").decode(errors="replace") for name, value in headers.items()
    }


def shown(arrival: Arrival) -> dict[str, Any]:
    """An arrival as a document: what was signed, and what came of it."""
    return {
        "at": arrival.at,
        "verified": arrival.fault is None and not arrival.is_call,
        "call": arrival.is_call,
        "fault": arrival.fault,
        "warning": arrival.warning,
        "answer": arrival.answer,
        "headers": {name: arrival.headers[name] for name in (*NAMES, "notifier-replay") if name in arrival.headers},
        "body": arrival.document,
    }
