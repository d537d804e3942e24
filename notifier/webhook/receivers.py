"""The clients of all endpoints: those of the config for as long as the daemon runs, a callback's while it is used."""

import asyncio
from collections import Counter, OrderedDict
from collections.abc import Iterable, Mapping

from notifier.core.callbacks import PREFIX
from notifier.core.model import Attempt, Endpoint
from notifier.webhook.receiver import NOTHING, Receiver

KEPT = 32
"""Clients of callbacks that nothing is on its way to, kept for what may follow: each has connections and a thread."""


class Receivers:
    """Makes a client where there is none, and closes those that were not used for longest."""

    def __init__(self, endpoints: Iterable[Endpoint], own_port: int | None = None) -> None:
        """None goes to where the daemon itself listens, its `own_port`."""
        self._own_port = own_port
        self._lasting = {endpoint.name: Receiver(endpoint, own_port=own_port) for endpoint in endpoints}
        self._passing: OrderedDict[str, Receiver] = OrderedDict()
        self._in_use: Counter[str] = Counter()

    async def post(self, endpoint: Endpoint, event_id: str, body: bytes, extra: Mapping[str, str] = NOTHING) -> Attempt:
        """One attempt, as `Receiver.post`."""
        name = endpoint.name
        if not name.startswith(PREFIX):
            return await self._lasting[name].post(event_id, body, extra)
        receiver = self._passing.pop(name, None) or Receiver(endpoint, own_port=self._own_port)
        self._passing[name] = receiver
        self._in_use[name] += 1
        try:
            return await receiver.post(event_id, body, extra)
        finally:
            self._in_use -= Counter((name,))
            await asyncio.shield(self._close_unused())

    async def close(self) -> None:
        """Let what is on its way end, then close all connections."""
        for receiver in (*self._lasting.values(), *self._passing.values()):
            await receiver.close()

    async def _close_unused(self) -> None:
        unused = [name for name in self._passing if not self._in_use[name]]
        for receiver in [self._passing.pop(name) for name in unused[: max(0, len(unused) - KEPT)]]:
            await receiver.close()
