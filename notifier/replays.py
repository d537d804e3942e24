"""Beside the loops: owe again what was asked for, a step at a time, as fast as its endpoint may be sent to."""

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping
from math import inf
from types import MappingProxyType

from notifier.core.callbacks import number_of
from notifier.core.model import Endpoint
from notifier.core.replay import Selection, per_second, step_of
from notifier.served import Held, Served
from notifier.store import Replay, Store

log = logging.getLogger(__name__)

IDLE = 60.0
"""Seconds until the next step where there is nothing to owe again."""
TRIED_AGAIN = 5.0
"""The same where an endpoint is tried by a probe: when that has succeeded, the rest is to follow soon."""


class Replays:
    """The replays that are not done. All that must not be forgotten of them is in the store."""

    def __init__(
        self,
        store: Store,
        endpoints: Iterable[Endpoint],
        ring: Callable[[], object],
        served: Mapping[str, Served] = MappingProxyType({}),
    ) -> None:
        """`ring` is called when something is owed again, so that it is sent at once.

        `served` tells how the endpoints fare. What would be owed to one that is shut off, paused or asks for time would
        all go at once later, at no rate; but one that is tried by probes is owed one to be tried by.
        """
        self.wake = asyncio.Event()
        """Set when something was asked for, so that a step may follow at once."""
        self._store = store
        self._endpoints = {endpoint.name: endpoint for endpoint in endpoints}
        self._ring = ring
        self._served = served
        self._due: dict[int, float] = {}
        """When each may go on."""

    def adopt(self, endpoints: Iterable[Endpoint]) -> None:
        """These are served from now on."""
        self._endpoints = {endpoint.name: endpoint for endpoint in endpoints}
        self.wake.set()

    async def ask(self, selection: Selection, now: float) -> Replay:
        """Owe these again from now on, those of an endpoint at its rate; raises `UnknownNameError`."""
        rate = per_second(self._endpoints.get(selection.endpoint or ""))
        replay = await self._store.ask(selection, rate, now)
        self.wake.set()
        return replay

    async def matching(self, selection: Selection, now: float) -> int:
        """How many deliveries that would be; raises `UnknownNameError`."""
        return await self._store.matching(selection, now, self._endpoints)

    async def cancel(self, id_: int, now: float) -> bool:
        """Owe nothing more by a replay. Answers whether it was not done before; raises `UnknownNameError`."""
        self._due.pop(id_, None)
        return await self._store.cancel(id_, now)

    async def step(self, now: float) -> float:
        """One step of each that is due. Answers the moment at which to come back.

        One to an endpoint waits while the config does not name it: nothing can be sent to it, nor is it known what it
        wants.
        """
        later = now + IDLE
        for replay in await self._store.unfinished():
            to = replay.selection.endpoint or ""
            endpoint = self._endpoints.get(to)
            served = self._served.get(to)
            if served is not None and served.is_probed:
                later = min(later, now + TRIED_AGAIN)
            elif served is not None and (opens_at := served.opens_at()) is not None and opens_at > now:
                later = min(later, opens_at)
            most = await self._most(replay, served, now)
            if not most or (to and endpoint is None and number_of(to) is None):
                continue
            # One that is due later than it can be was put off by a clock that was ahead.
            if not now < self._due.get(replay.id, now) <= now + most / replay.rate:
                await self._go_on(replay, endpoint, most, now)
            later = min(later, self._due.get(replay.id, inf))
        return later

    async def _most(self, replay: Replay, served: Served | None, now: float) -> int:
        """Deliveries that one step may owe, `served` being the endpoint that it is to."""
        if served is None or served.held(now) in {None, Held.RATE}:
            return step_of(replay.rate)
        return int(served.is_probed and not await self._store.waiting(served.endpoint.name))

    def doubt_the_clock(self, now: float) -> None:
        """What is owed again is so whatever the time: nothing is put off."""

    async def _go_on(self, replay: Replay, endpoint: Endpoint | None, most: int, now: float) -> None:
        if replay.selection.latest and endpoint is not None:
            after = await self._store.owe_latest(replay.id, endpoint, most, now)
        else:
            after = await self._store.owe_again(replay.id, most, now, self._endpoints)
        self._due[replay.id] = now + (after.count - replay.count) / replay.rate
        if after.count > replay.count:
            self._ring()
        if after.done_at is not None:
            del self._due[replay.id]
            log.info("replayed", extra={"fields": {"replay": replay.id, "deliveries": after.count}})
