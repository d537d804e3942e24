"""The clients of all endpoints: those of the config for as long as the daemon runs, a callback's while it is used."""

import asyncio
from collections import Counter, OrderedDict
from collections.abc import Iterable, Mapping
from types import MappingProxyType

from notifier.core.model import Attempt, Endpoint
from notifier.webhook.receiver import NOTHING, Receiver
from notifier.webhook.unused import MOST, Unused

NO_CLIENTS: Mapping[str, Receiver] = MappingProxyType({})
KEPT = 32
"""Clients of callbacks that nothing is on its way to, kept for what may follow: each has connections and a thread."""


class Receivers:
    """Makes a client where there is none, and closes those that were not used for longest."""

    def __init__(self, own_port: int | None = None) -> None:
        """None goes to where the daemon itself listens, its `own_port`."""
        self._own_port = own_port
        self._unused = Unused()
        self._lasting: Mapping[str, Receiver] = NO_CLIENTS
        self._passing: OrderedDict[str, Receiver] = OrderedDict()
        self._in_use: Counter[str] = Counter()
        self._closing: set[asyncio.Task[None]] = set()

    def clients(self, endpoints: Iterable[Endpoint]) -> Mapping[str, Receiver]:
        """A client for each of these: that which it has, where it was made for the same. Raises as `Receiver` does."""
        return {
            one.name: kept
            if (kept := self._lasting.get(one.name)) is not None and kept.endpoint == one
            else Receiver(one, own_port=self._own_port, unused=self._unused)
            for one in endpoints
        }

    def use(self, clients: Mapping[str, Receiver]) -> None:
        """These from now on, as long as no others are. What is on its way by another ends, and that is closed then."""
        before, self._lasting = self._lasting, clients
        for name, one in before.items():
            if clients.get(name) is not one:
                self._retire(one)

    def keep(self, at_once: int) -> None:
        """So many requests may be on their way at once: the connections of them all are kept for those that follow."""
        self._unused.most = max(MOST, at_once)

    async def post(self, endpoint: Endpoint, event_id: str, body: bytes, extra: Mapping[str, str] = NOTHING) -> Attempt:
        """One attempt, as `Receiver.post`."""
        name = endpoint.name
        if (lasting := self._lasting.get(name)) is not None:
            return await lasting.post(event_id, body, extra)
        receiver = self._passing.pop(name, None)
        if receiver is not None and receiver.endpoint != endpoint:
            self._retire(receiver)
            receiver = None
        self._passing[name] = receiver = receiver or Receiver(endpoint, own_port=self._own_port, unused=self._unused)
        self._in_use[name] += 1
        try:
            return await receiver.post(event_id, body, extra)
        finally:
            self._in_use -= Counter((name,))
            await asyncio.shield(self._close_unused())

    async def close(self) -> None:
        """Let what is on its way end, then close all connections."""
        for receiver in (*self._lasting.values(), *self._passing.values()):
            self._retire(receiver)
        await asyncio.gather(*self._closing)

    async def _close_unused(self) -> None:
        unused = [name for name in self._passing if not self._in_use[name]]
        for receiver in [self._passing.pop(name) for name in unused[: max(0, len(unused) - KEPT)]]:
            await receiver.close()

    def _retire(self, receiver: Receiver) -> None:
        closing = asyncio.create_task(receiver.close())
        self._closing.add(closing)
        closing.add_done_callback(self._closing.discard)
