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


def stood_still(rings_at: float, now: float) -> bool:
    """Whether a timer that was to ring at the one moment, and rings at the other, tells of us and of nobody else."""
    return now - rings_at > STANDSTILL


@asynccontextmanager
async def within(seconds: float) -> AsyncIterator[None]:
    """Raise `TimeoutError` where this takes longer; what came while we stood still is heard first."""
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds
    async with asyncio.timeout(None) as limit:

        def ring() -> None:
            now = loop.time()
            limit.reschedule(now + LISTENS if stood_still(end, now) else now)

        timer = loop.call_at(end, ring)
        try:
            yield
        finally:
            timer.cancel()
