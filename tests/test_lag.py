"""How late the event loop is, by a clock that is moved for it."""

import asyncio
from contextlib import suppress

from notifier.lag import EVERY, KEPT, Lag


class Loop:
    """An event loop that comes late by what it is given, and then ends."""

    def __init__(self, *late):
        self.now = 1000.0
        self._late = iter(late)

    async def sleep(self, seconds):
        late = next(self._late, None)
        if late is None:
            raise asyncio.CancelledError
        self.now += seconds + late

    async def measured(self):
        lag = Lag(lambda: self.now, self.sleep)
        with suppress(asyncio.CancelledError):
            await lag.measure()
        return lag.worst


async def test_the_worst_is_told():
    assert await Loop().measured() == 0
    assert await Loop(0.0, 0.25, 0.0, 0.125).measured() == 0.25


async def test_what_is_over_for_a_minute_is_not_told_any_more():
    assert EVERY * KEPT == 60
    assert await Loop(8.0, *[0.5] * KEPT).measured() == 0.5


async def test_a_clock_that_runs_slow_makes_nothing_early():
    assert await Loop(-0.5).measured() == 0
