"""How late the event loop is: what was to run by now, and did not, because something held it up."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable

EVERY = 1.0
"""Seconds between two measures: what holds it up for longer is never missed."""
KEPT = 60
"""Measures of which the worst is told, so that whoever asks once a minute hears of each."""


class Lag:
    """The last minute of the event loop."""

    def __init__(self, clock: Callable[[], float], sleep: Callable[[float], Awaitable[object]] = asyncio.sleep) -> None:
        """`clock` is monotonic, in seconds."""
        self._clock = clock
        self._sleep = sleep
        self._measures = deque([0.0], maxlen=KEPT)

    @property
    def worst(self) -> float:
        """Seconds by which it was late, at most."""
        return max(self._measures)

    async def measure(self) -> None:
        """Measure, until cancelled."""
        while True:
            due = self._clock() + EVERY
            await self._sleep(EVERY)
            self._measures.append(max(0.0, self._clock() - due))
