"""The delivery half of notifier as the daemon wires it: a database on disk, a sender, a receiver per endpoint."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path

from notifier.core.health import SHUT
from notifier.core.model import Attempt, Delivery, Endpoint
from notifier.sender import Sender
from notifier.store import Store
from notifier.webhook import Receiver


@asynccontextmanager
async def daemon(
    folder: Path, endpoints: Sequence[Endpoint], clock: Callable[[], float] = time.time, shut: float = SHUT
) -> AsyncIterator[tuple[Store, Sender]]:
    """Open it on a database in this folder; close it. An endpoint that fails is left alone for `shut` seconds first."""
    async with AsyncExitStack() as opened:
        store = await Store.open(folder / "notifier.db")
        opened.push_async_callback(store.close)
        receivers = {endpoint.name: Receiver(endpoint, clock=clock) for endpoint in endpoints}
        for receiver in receivers.values():
            opened.push_async_callback(receiver.close)

        async def post(endpoint: Endpoint, delivery: Delivery) -> Attempt:
            return await receivers[endpoint.name].post(delivery.event, delivery.body)

        yield store, Sender(store, endpoints, post, clock, random.random, shut=shut)


async def send_all(sender: Sender, clock: Callable[[], float] = time.time, patience: float = 0.0) -> float:
    """Passes, as the daemon's loop makes them, until all results are committed and nothing is due.

    What is due within `patience` seconds is waited for; what is due later ends it. Answers when that is.
    """
    while True:
        sender.wake.clear()
        at = await sender.send_due()
        rest = at - clock()
        if not sender.in_flight and rest > patience:
            return at
        await within(rest, sender.wake.wait())


async def within(seconds: float, awaited: Awaitable[object]) -> None:
    """Wait for something for so long, and no longer."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await awaited
