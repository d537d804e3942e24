"""event → one POST → attempt."""

import asyncio
import logging
import re
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from functools import cached_property
from types import MappingProxyType

from aiohttp import ClientConnectionError, ClientError
from aiohttp.abc import AbstractResolver
from yarl import URL

from notifier.core import signing
from notifier.core.model import Attempt, Endpoint, Outcome
from notifier.webhook import verdict, wishes
from notifier.webhook.connections import Connections, Limits, authorization
from notifier.webhook.course import Course, Leg, OutOfTime, Patience
from notifier.webhook.guard import checked_url
from notifier.webhook.names import OwnThread
from notifier.webhook.session import Answer
from notifier.webhook.trust import own_context
from notifier.webhook.unused import Unused
from notifier.webhook.verdict import Unsigned

log = logging.getLogger(__name__)

LIMITS = Limits()
LONGEST_READ = 16 * 1024
"""Bytes of an answer's body that are read; what is longer is cut off together with its connection."""

NOTHING: Mapping[str, str] = MappingProxyType({})


class Receiver:
    """The client of one endpoint: its connections, its keys."""

    def __init__(  # noqa: PLR0913  # all but the first have defaults
        self,
        endpoint: Endpoint,
        *,
        limits: Limits = LIMITS,
        resolver: AbstractResolver | None = None,
        trust: ssl.SSLContext | None = None,
        own_port: int | None = None,
        unused: Unused | None = None,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Raises `ValueError` where a secret is none, and as `trust.context` where a file of TLS cannot be used.

        What is wrong with the URL, every attempt tells.

        The `resolver`, by default one with a thread of its own, is closed with this. Nothing is sent to the `own_port`
        of the daemon, at any address. What is `unused` of its connections may be in common with others.
        """
        self.endpoint = endpoint
        self._limits = limits
        self._resolver = resolver or OwnThread()
        self._trust = trust or own_context(endpoint)
        self._own_port = own_port
        self._unused = unused or Unused()
        self._clock = clock
        self._monotonic = monotonic
        self._keys = [(secret, signing.parse_secret(secret.reveal())) for secret in endpoint.secrets]
        self._host = verdict.host_of(endpoint.url) or "the endpoint"
        self._patience = Patience(limits.legs)
        self._connections: Connections | None = None
        self._opened_at = 0.0
        self._closing: set[asyncio.Task[None]] = set()

    async def post(self, event_id: str, body: bytes, extra: Mapping[str, str] = NOTHING) -> Attempt:
        """One attempt to bring an event, `extra` being headers of its own; raises nothing but `CancelledError`."""
        started_at, began = self._clock(), self._monotonic()
        course = Course(self.endpoint.timeout, self._patience, self._monotonic)
        try:
            answer, excerpt = await self._answer(event_id, body, extra, course)
        except Exception as error:  # noqa: BLE001 - one receiver's trouble must not reach another; a bug is logged
            outcome, note = self._fault(error)
            took, rule = self._monotonic() - began, verdict.rule(error)
            return Attempt(started_at, took, outcome, note=note, phases=course.took, rule=rule)
        duration = self._monotonic() - began
        status, headers = answer.status, answer.headers
        outcome, note = verdict.judged(status, self._host, headers.get("location"))
        command = wishes.command(outcome, headers, proven=answer.is_secure)
        if command is not None:
            outcome, note = verdict.commanded(command, outcome, note, self._host)
        wait = wishes.retry_after(status, headers, started_at + duration)
        return Attempt(started_at, duration, outcome, status, note, excerpt, wait, command, course.took)

    async def close(self) -> None:
        """Let what is on its way end, then close all connections."""
        while self._connections is not None:  # again, for what is on its way may open new ones to repeat itself
            self._give_up(self._connections)
            await asyncio.gather(*self._closing)
        await self._resolver.close()

    async def _answer(self, event_id: str, body: bytes, extra: Mapping[str, str], course: Course) -> tuple[Answer, str]:
        """Post, and once more at once where it cannot have arrived and trying again costs nothing.

        So it is where a reused connection turns out to have been closed by the other side, and where nobody listens for
        a moment. aiohttp repeats only idempotent methods; ours is one, because the event's id goes along.
        """
        connections = self._current()
        try:
            return await self._post(connections, event_id, body, extra, course)
        except ClientConnectionError as error:
            reused = Leg.CONNECT not in course.took
            if not (verdict.is_unanswered(error) if reused else self._is_turned_away(error, course)):
                raise
        if reused:
            self._give_up(connections)
        return await self._post(self._current(), event_id, body, extra, course)

    def _is_turned_away(self, error: ClientConnectionError, course: Course) -> bool:
        return verdict.is_turned_away(error) and sum(course.took.values()) < self._limits.at_once

    async def _post(
        self, connections: Connections, event_id: str, body: bytes, extra: Mapping[str, str], course: Course
    ) -> tuple[Answer, str]:
        headers = {**extra, **self._signed(event_id, body)}
        with connections as session:
            answer = await course.answered(session.post(headers, body))
            try:
                return answer, self._excerpt(answer, await self._read(answer, course))
            finally:
                answer.end()

    def _signed(self, event_id: str, body: bytes) -> dict[str, str]:
        """By every secret that has not ended; raises `Unsigned` where none is left. Without any nothing is added."""
        if not self._keys:
            return {}
        now = self._clock()
        keys = [key for secret, key in self._keys if not secret.has_ended(now)]
        if not keys:
            raise Unsigned(self.endpoint.name)
        return signing.headers(keys, event_id, int(now), body)

    async def _read(self, answer: Answer, course: Course) -> bytes:
        """The beginning of the body, as far as it comes; the outcome is decided already."""
        content = answer.content
        if content.is_eof():
            return content.read_nowait()
        body = b""
        with suppress(Exception):
            while len(body) <= LONGEST_READ and not content.at_eof():
                async with course.within(self._limits.body_idle):
                    body += await content.readany()
        return body

    def _excerpt(self, answer: Answer, body: bytes) -> str:
        if not body:
            return ""
        if answer.headers.get("content-encoding", "identity").lower() != "identity":
            return (
                f"[compressed, {'more than ' if len(body) > LONGEST_READ else ''}{min(len(body), LONGEST_READ)} bytes]"
            )
        return verdict.excerpt(body, self._hidden)

    def _fault(self, error: Exception) -> tuple[Outcome, str]:
        if not isinstance(error, ClientError | OSError | ValueError | MemoryError | OutOfTime):
            log.error("bug", exc_info=error, extra={"fields": {"endpoint": self.endpoint.name}})
        return verdict.fault(error, self._host)

    @cached_property
    def _hidden(self) -> re.Pattern[str] | None:
        """What is shown of no answer; many have none that says anything, and it is large."""
        return verdict.mask(_never_shown(self.endpoint))

    # --- connections

    @cached_property
    def _url(self) -> URL:
        """Checked once, where it is good; raises as `checked_url` does."""
        endpoint = self.endpoint
        return checked_url(endpoint.url, allow_http=endpoint.allow_http, own_port=self._own_port)

    def _current(self) -> Connections:
        now = self._monotonic()
        if self._connections is not None and now - self._opened_at >= self._limits.age:
            self._give_up(self._connections)
        if self._connections is None:
            self._connections = Connections(
                self.endpoint, self._url, self._limits, self._resolver, self._trust, self._unused, self._give_up
            )
            self._opened_at = now
        return self._connections

    def _give_up(self, connections: Connections) -> None:
        """Use other connections from now on; the first of several requests to say so is enough."""
        if self._connections is connections:
            self._connections = None
            closing = asyncio.create_task(connections.close())
            self._closing.add(closing)
            closing.add_done_callback(self._closing.discard)


SHORTEST_PART = 6
LONGEST_WORD = 12
"""Characters: a longer part of a URL's path may be a token."""


def _never_shown(endpoint: Endpoint) -> Iterator[str]:
    """The endpoint's secrets and header values, whole and in their telling parts ("Bearer <token>"), and its URL's."""
    yield from _of_url(endpoint.url)
    if endpoint.basic is not None:
        yield endpoint.basic.password.reveal()
    for secret in endpoint.secrets:
        yield secret.reveal()
        yield secret.reveal().partition("_")[2]
    for value in (*endpoint.headers.values(), *authorization(endpoint).values()):
        yield value
        yield from (part for part in value.split() if len(part) >= SHORTEST_PART)


def _of_url(text: str) -> Iterator[str]:
    """What may be a token in a URL that has been answered at: the values of its query, the long parts of its path."""
    url = URL(text)
    yield from (value for value in url.query.values() if len(value) >= SHORTEST_PART)
    yield from (part for part in (*url.parts, *url.raw_parts) if len(part) > LONGEST_WORD)
    yield url.raw_query_string
