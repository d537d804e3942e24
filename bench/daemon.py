"""The delivery half of notifier as the daemon wires it: a database on disk, a sender, a receiver per endpoint."""

import random
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from notifier.core.model import Attempt, Delivery, Endpoint
from notifier.sender import Sender
from notifier.store import Store
from notifier.webhook import Receiver


@asynccontextmanager
async def daemon(folder: Path, endpoints: Sequence[Endpoint]) -> AsyncIterator[tuple[Store, Sender]]:
    """Open it on a database in this folder; close it."""
    async with AsyncExitStack() as opened:
        store = await Store.open(folder / "notifier.db")
        opened.push_async_callback(store.close)
        receivers = {endpoint.name: Receiver(endpoint) for endpoint in endpoints}
        for receiver in receivers.values():
            opened.push_async_callback(receiver.close)

        async def post(delivery: Delivery) -> Attempt:
            return await receivers[delivery.endpoint].post(delivery.event, delivery.body)

        yield store, Sender(store, endpoints, post, time.time, random.random)


async def send_all(sender: Sender) -> None:
    """Passes, as the daemon's loop makes them, until all results are committed and nothing is due."""
    while True:
        sender.wake.clear()
        at = await sender.send_due()
        if sender.in_flight:
            await sender.wake.wait()
        elif at > time.time():
            return
