"""Beside the loops: owe again what was asked for, a step at a time, as fast as its endpoint may be sent to."""

import asyncio
import logging
from collections.abc import Callable, Container, Iterable
from math import inf

from notifier.core.model import Endpoint
from notifier.core.replay import Selection, per_second, step_of
from notifier.store import Replay, Store

log = logging.getLogger(__name__)

IDLE = 60.0
"""Seconds until the next step where there is nothing to owe again."""


class Replays:
    """The replays that are not done. All that must not be forgotten of them is in the store."""

    def __init__(
        self,
        store: Store,
        endpoints: Iterable[Endpoint],
        ring: Callable[[], object],
        troubled: Callable[[], Container[str]] = tuple,
    ) -> None:
        """`ring` is called when something is owed again, so that it is sent at once.

        `troubled` tells which endpoints are shut off or paused: what would be owed to them meanwhile would all go at
        once later, at no rate.
        """
        self.wake = asyncio.Event()
        """Set when something was asked for, so that a step may follow at once."""
        self._store = store
        self._endpoints = {endpoint.name: endpoint for endpoint in endpoints}
        self._ring = ring
        self._troubled = troubled
        self._due: dict[int, float] = {}
        """When each may go on."""

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

        The latest of each upload waits while the config does not name its endpoint: what that wants is not known.
        """
        later = now + IDLE
        for replay in await self._store.unfinished():
            endpoint = self._endpoints.get(replay.selection.endpoint or "")
            latest_for_nobody = replay.selection.latest and endpoint is None
            if latest_for_nobody or replay.selection.endpoint in self._troubled():
                continue
            most = step_of(replay.rate)
            # One that is due later than it can be was put off by a clock that was ahead.
            if not now < self._due.get(replay.id, now) <= now + most / replay.rate:
                await self._go_on(replay, endpoint, most, now)
            later = min(later, self._due.get(replay.id, inf))
        return later

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
