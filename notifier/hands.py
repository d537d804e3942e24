"""How many passes may be at work at once; one that waits for a provider's answer is not at work."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

HANDS = 50
"""As many as keep the database busy. Without an end, a start has an answer of every source in memory, to be written."""


class Hands:
    """Taken by a pass that begins, given back when it ends; let go in between, for as long as it waits."""

    def __init__(self, most: int = HANDS) -> None:
        self._most = most
        self._taken = 0
        self._free = asyncio.Event()
        self._free.set()

    async def free(self) -> None:
        """Wait until there is one. It is not kept: who wants it takes it."""
        await self._free.wait()

    def take(self) -> None:
        """Be at work, whether one is free or not: who has an answer goes on."""
        self._count(1)

    def give(self) -> None:
        """Be at work no more."""
        self._count(-1)

    @contextmanager
    def let_go(self) -> Iterator[None]:
        """Be at work no more for as long as this lasts."""
        self.give()
        try:
            yield
        finally:
            self.take()

    def _count(self, more: int) -> None:
        self._taken += more
        if self._taken < self._most:
            self._free.set()
        else:
            self._free.clear()
