"""How long others are waited for, where it may have been us who stood still: suspended, stopped, or starved.

Then every timer rings at once, before what came meanwhile has been heard.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

STANDSTILL = 1.0
"""Seconds by which a timer is late only where we stood still ourselves, and nobody else did."""
LISTENS = 1.0
"""Seconds for which what came meanwhile is heard, before anybody is said to be late."""
OFTEN = 3
"""So often, at most, is somebody listened to so: who is always starved must come to an end as well."""


def stood_still(rings_at: float, now: float) -> bool:
    """Whether a timer that was to ring at the one moment, and rings at the other, tells of us and of nobody else."""
    return now - rings_at > STANDSTILL


@asynccontextmanager
async def within(seconds: float) -> AsyncIterator[None]:
    """Raise `TimeoutError` where this takes longer; what came while we stood still is heard first."""
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds
    timer: asyncio.TimerHandle
    async with asyncio.timeout(None) as limit:

        def ring(at: float, left: int) -> None:
            nonlocal timer
            now = loop.time()
            if left and stood_still(at, now):
                timer = loop.call_at(now + LISTENS, ring, now + LISTENS, left - 1)
            else:
                limit.reschedule(now)

        timer = loop.call_at(end, ring, end, OFTEN)
        try:
            yield
        finally:
            timer.cancel()
