"""Beside the loops: what is over for longer than it is kept goes, every hour, a bite at a time."""

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable

from notifier.store import Place, Store

log = logging.getLogger(__name__)

EVERY = 3600.0
"""Seconds from one round to the next."""
PAUSE = 0.05
"""Seconds between two bites, in which others write."""
BITE = 250
"""Rows that one bite takes."""
PAGES = 100
"""Pages of the file that one bite gives back."""
SHORTEST = 3600.0
"""Seconds for which everything is kept, however few `keep` says: what was replaced or dropped may be on its way yet."""


DOUBTED = 21600.0
"""Seconds for which nothing is forgotten after the clock was set: by a wrong one all would be over for long."""


class Housekeeping:
    """Rounds of bites. Nothing is remembered of one but in memory: after a restart it begins anew, and finds less."""

    def __init__(self, store: Store, keep: float) -> None:
        """`keep` is in seconds."""
        self.wake = asyncio.Event()
        """Set to have a step at once."""
        self._store = store
        self.adopt(keep)
        self._place: Place | None = Place()
        self._callback: int | None = 0
        self._next_at = 0.0
        self._buried: Counter[str] = Counter()
        self._left: list[Callable[[float], Awaitable[bool]]] = []
        """What this round has yet to do; each is repeated until it answers that there is no more."""

    def adopt(self, keep: float) -> None:
        """Keep what is over for so many seconds from now on."""
        self._keep = max(keep, SHORTEST)

    async def step(self, now: float) -> float:
        """One bite. Answers the moment at which to come back."""
        if not self._left:
            if now < self._next_at <= now + DOUBTED:
                return self._next_at
            self._next_at = now + EVERY
            self._place, self._callback = Place(), 0
            self._left = [self._events, self._uploads, self._replays, self._callbacks]
            self._left += [self._absent, self._pages, self._log]
        left = self._left  # in the middle of a bite the clock may be set, and the round be broken off
        if not await left[0](now - self._keep):
            del left[0]
        return now + PAUSE if self._left else self._next_at

    def doubt_the_clock(self, now: float) -> None:
        """Break off the round, and begin the next one hours later."""
        self._left, self._next_at = [], now + DOUBTED

    async def _absent(self, before: float) -> bool:
        """What waits for endpoints that left the config before then is dead."""
        buried = await self._store.bury_left(before, before + self._keep, BITE)
        self._buried += buried
        if buried.total() == BITE:
            return True
        for name, number in self._buried.items():
            fields = {"endpoint": name, "deliveries": number}
            log.error("endpoint left the config long ago: what waited for it is dead", extra={"fields": fields})
        self._buried.clear()
        return False

    async def _events(self, before: float) -> bool:
        self._place = await self._store.prune_events(before, self._place or Place(), BITE)
        return self._place is not None

    async def _uploads(self, before: float) -> bool:
        return await self._store.prune_uploads(before, BITE) == BITE

    async def _replays(self, before: float) -> bool:
        return await self._store.prune_replays(before, BITE) == BITE

    async def _callbacks(self, _before: float) -> bool:
        self._callback = await self._store.prune_callbacks(self._callback or 0, BITE)
        return self._callback is not None

    async def _pages(self, _before: float) -> bool:
        return await self._store.give_back(PAGES)

    async def _log(self, _before: float) -> bool:
        await self._store.write_back()
        return False
