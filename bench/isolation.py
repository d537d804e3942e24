"""What an endpoint that hangs costs the others: the delay at nine of ten, the tenth being well or hanging."""

import asyncio
import math
import random
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import accumulate
from pathlib import Path

from bench.corpus import Shape, announce_page, endpoints, follow
from bench.daemon import daemon, send_all
from bench.receipts import Sink, check
from notifier.core.model import Status

ENDPOINTS = 10
PER_SECOND = 80
"""Events on average, each to all endpoints: about a third of what one processor can do here."""
TIMEOUT = 2.0
SHUT = 0.01
"""Seconds for which the tenth is shut off after its failures, instead of 30: something hangs there all the time."""
WANTED = 1.5
"""Times the p99 at most."""


@dataclass(frozen=True, slots=True)
class Half:
    """The same events, the tenth being well or not."""

    delays: Sequence[float]
    """Seconds from the commit of an announcement to its receipt, at the nine, in order."""
    busy: float
    """The share of one processor that this process took."""
    hung: int
    """Requests that the tenth left without an answer."""


async def rounds(sink: Sink, folder: Path, events: int, count: int) -> list[tuple[Half, Half]]:
    """So many rounds: all well, one hanging. Which comes first alternates."""
    played = []
    for number in range(count):
        chance = random.Random(number)  # noqa: S311  # the same events every time
        gaps = [chance.expovariate(PER_SECOND) for _ in range(events)]
        order = (False, True) if number % 2 == 0 else (True, False)
        halves = {hangs: await half(sink, folder, gaps, hangs=hangs) for hangs in order}
        played.append((halves[False], halves[True]))
    return played


async def half(sink: Sink, folder: Path, gaps: Sequence[float], *, hangs: bool) -> Half:
    """On a fresh database: an upload is announced after each of these gaps, to all ten."""
    receivers = [replace(one, timeout=TIMEOUT) for one in endpoints(Shape(ENDPOINTS, 8, 0), sink.port)]
    if hangs:
        receivers[-1] = replace(receivers[-1], url=f"http://127.0.0.1:{sink.port}/silent/{ENDPOINTS - 1}")
    with tempfile.TemporaryDirectory(dir=folder) as here:
        async with daemon(Path(here), receivers, shut=SHUT) as (store, sender):
            uploads = await follow(store, len(gaps), receivers)
            committed: dict[str, float] = {}
            sending = asyncio.create_task(send_all(sender, patience=math.inf))
            began, cpu = time.monotonic(), time.process_time()
            for upload, moment in zip(uploads, accumulate(gaps), strict=True):
                await asyncio.sleep(began + moment - time.monotonic())
                _, (event,) = await announce_page(store, [upload], receivers, Status.COMPLETED)
                committed[event.id] = time.monotonic()
                sender.wake.set()
            busy = (time.process_time() - cpu) / (time.monotonic() - began)
            sending.cancel()
            with suppress(asyncio.CancelledError):
                await sending
            if hangs:
                await sender.pause(receivers[-1].name)  # what it leaves without an answer ends; no more begins
            await send_all(sender)
    found = await sink.receipts()
    answered = [one for one in found if one["answered"] is not None]
    check(answered, len(gaps) * (ENDPOINTS - hangs), in_order=True)
    delays = sorted(one["at"] - committed[one["id"]] for one in answered if one["path"] != f"/{ENDPOINTS - 1}")
    return Half(delays, busy, len(found) - len(answered))
