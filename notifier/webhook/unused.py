"""What is open to any endpoint, and unused: so many connections, for so long; the longest unused is closed first."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Protocol

from aiohttp.client_proto import ResponseHandler

MOST = 500
"""Connections. With those in use, 200 by default, they leave some of the 1,024 descriptors that there mostly are."""
LONGEST = 15.0
"""Seconds."""


class Owner(Protocol):
    """Who uses a connection again."""

    def lost(self, protocol: ResponseHandler, /) -> None:
        """One of its connections was unused, and is closed."""


class Unused:
    """Those of all endpoints together, in the order in which they came."""

    def __init__(self, longest: float = LONGEST, clock: Callable[[], float] = time.monotonic) -> None:
        """None is kept for longer than `longest` seconds, by this `clock`."""
        self.most = MOST
        self._longest = longest
        self._clock = clock
        self._all: OrderedDict[ResponseHandler, tuple[float, Owner]] = OrderedDict()
        self._timer: asyncio.TimerHandle | None = None
        """For all, because one for each would be half a kilobyte each."""

    def add(self, connection: ResponseHandler, owner: Owner) -> None:
        """Nobody uses it any more."""
        self._all[connection] = self._clock(), owner
        while len(self._all) > self.most:
            self._close_first()
        if self._timer is None:
            self._set_timer()

    def take(self, connection: ResponseHandler) -> None:
        """It is used again: leave it be."""
        self._all.pop(connection, None)

    def lost(self, connection: ResponseHandler) -> None:
        """It has ended; whether anybody used it is known here."""
        if (entry := self._all.pop(connection, None)) is not None:
            _, owner = entry
            owner.lost(connection)

    def _close_first(self) -> None:
        connection = next(iter(self._all))
        connection.close()
        self.lost(connection)

    def _set_timer(self) -> None:
        """For the first of them; none without any."""
        since, _ = next(iter(self._all.values()), (None, None))
        self._timer = None
        if since is not None:
            rest = since + self._longest - self._clock()
            self._timer = asyncio.get_running_loop().call_later(rest, self._ring)

    def _ring(self) -> None:
        old = self._clock() - self._longest
        while self._all and next(iter(self._all.values()))[0] <= old:
            self._close_first()
        self._set_timer()
