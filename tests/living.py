"""A source over time: the real poller on a database over a fake provider, and the events that come of it."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from world import Clock

from notifier.core.model import Source
from notifier.poller import Poller
from notifier.providers import PROVIDERS
from notifier.providers.http import open_session
from notifier.store import Store
from notifier.watched import Watched

MINUTE, HOUR = 60.0, 3600.0


@dataclass
class Life:
    """A source whose clock is moved by hand."""

    fake: Any
    """The provider; what it was asked is in its `requests`."""
    clock: Clock
    store: Store
    watched: Watched
    first_sweep: float
    """Seconds in which all lists are read once, and what they tell too little of is looked at."""
    told: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        self.poller = Poller(self.store, [self.watched], [], self.clock, Random(1).random)

    async def polls_for(self, seconds: float) -> None:
        """Every pass that is due within so many seconds."""
        end = self.clock.now + seconds
        while (at := await self.poller.poll(self.watched.source.name)) <= end:
            self.clock.now = max(at, self.clock.now)
        self.clock.now = end

    async def baseline(self) -> None:
        """The first sweep, of which nothing is told."""
        await self.polls_for(self.first_sweep)
        assert await self.news() == []
        self.fake.requests.clear()

    async def news(self) -> list[dict[str, Any]]:
        """The events announced since the last time."""
        rows = await self.store.database.rows("SELECT body FROM events ORDER BY position")
        bodies, self.told = rows[self.told :], len(rows)
        return [json.loads(body) for (body,) in bodies]

    async def types(self) -> list[str]:
        """The news, by their types alone."""
        return [event["type"] for event in await self.news()]

    def asked(self, *of: str) -> list[str]:
        """What was asked since the baseline, as far as it begins like one of these."""
        return [request for request in self.fake.requests if request.startswith(of)]


@asynccontextmanager
async def living(
    path: Path, fake: Any, source: Source, clock: Clock, *, first_sweep: float = HOUR
) -> AsyncIterator[Life]:
    """The source, followed on a new database in `path`, or on the one that is there; `fake` has been started."""
    async with open_session() as session:
        provider = PROVIDERS[source.provider].of(source)
        watched = Watched(source, provider, provider.connect(session, source))
        store = await Store.open(path / "notifier.db")
        try:
            one = Life(fake, clock, store, watched, first_sweep)
            await one.poller.open()
            yield one
        finally:
            await store.close()


def upload(event: dict[str, Any]) -> dict[str, Any]:
    return event["data"]["upload"]


def changes(event: dict[str, Any]) -> list[tuple[str, Any, Any]]:
    """Each field that changed, with what it was and what it is."""
    return [(one["field"], one["from"], one["to"]) for one in event["data"]["changes"]]
