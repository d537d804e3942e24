"""Which endpoints are asked for what is due: all of them where they are few, else those that something is due for."""

from collections import deque
from collections.abc import Iterable, Mapping

from notifier.served import Served
from notifier.store import Store


class Turns:
    """Where endpoints outnumber the places, each is asked for one delivery before any is for a second.

    Those that something is due for are found once for many passes, the longest due first: what is due later has its
    turn after them. They are found again whenever a pass has places left, so nobody has to be told what was announced.
    """

    def __init__(self, store: Store, served: Mapping[str, Served]) -> None:
        self.moments: list[float] = []
        """When to come back, by what this pass has seen so far."""
        self._store = store
        self._served = served
        self._first: deque[str] = deque()
        self._next: deque[str] = deque()
        """Those that had no turn since they were found."""
        self._later: float | None = None
        """When anything would be due that was not yet when they were found."""
        self._is_found = False
        """Whether that was in this pass."""

    def begin(self, called: Iterable[str]) -> None:
        """Another pass. Of the callbacks that are `called` it is known by itself that something is due for them."""
        self.moments, self._is_found, self._first = [], False, deque(called)

    async def wanted(self, now: float, places: int, few: int) -> dict[str, int]:
        """The endpoints to ask now, and how many deliveries of each, those on their way included; none: it is enough.

        To be called again until then, with the `places` that are left. At most so `few` are all asked, and once.
        """
        if len(self._served) <= few:
            return {} if self._is_found else self._all(now)
        idle, busy = self._chosen(now, places)
        if not self._is_found and len(idle) < places:
            await self._find(now)
            more = self._chosen(now, places - len(idle))
            idle, busy = idle | more[0], busy | more[1]
        if self._later is not None and self._later > now:
            self.moments.append(self._later)
        return {name: len(one.in_flight) + (1 if self._next else one.room(now)) for name, one in (idle | busy).items()}

    def _all(self, now: float) -> dict[str, int]:
        self._is_found = True
        self._next.clear()
        self.moments += [at for one in self._served.values() if (at := one.opens_at()) is not None and at > now]
        return {name: room + len(one.in_flight) for name, one in self._served.items() if (room := one.room(now))}

    def _chosen(self, now: float, places: int) -> tuple[dict[str, Served], dict[str, Served]]:
        """The next of them that may be sent to: so many that nothing is on its way to, and who is between them."""
        idle: dict[str, Served] = {}
        busy: dict[str, Served] = {}
        while (waiting := self._first or self._next) and len(idle) < places:
            name = waiting.popleft()
            one = self._served.get(name)  # another config may have come meanwhile
            if one is None or not one.room(now):
                continue
            if (at := one.may_go(now)) > now:
                self.moments.append(at)
            else:
                (busy if one.in_flight else idle)[name] = one
        return idle, busy

    async def _find(self, now: float) -> None:
        self._is_found = True
        due: list[tuple[float, str]] = []
        later: list[float] = []
        for name, at in await self._store.heads():
            one = self._served.get(name)
            if one is None or (opens_at := one.opens_at()) is None:
                continue
            if opens_at > now:
                self.moments.append(opens_at)
            elif at > now:
                later.append(at)
            else:
                due.append((at, name))
        self._next = deque(name for _, name in sorted(due))
        self._later = min(later, default=None)
