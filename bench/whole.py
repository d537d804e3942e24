"""A whole backlog through the real daemon: from its start to the last of it, and what memory that takes."""

import asyncio
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.backlog import AT_ONCE, ENDPOINTS, SOON, owe
from bench.corpus import Shape, endpoints
from bench.crowd import REGISTERED
from bench.process import config, process, value
from bench.receipts import Sink, check
from bench.rounds import play

LOOK = 1.0
"""Seconds from one look at its memory to the next."""
MEMORY = 150.0
"""Megabytes at most."""
SHARE = 0.8
"""Of the bare client's rate."""
BARE = Shape(ENDPOINTS, AT_ONCE, 6000)
"""What the bare client sends, before and after."""
WAITING = "SELECT EXISTS (SELECT 1 FROM deliveries WHERE phase = 'waiting')"


@dataclass(frozen=True, slots=True)
class Whole:
    """What became of a backlog of so many."""

    owed: int
    first: float
    """Seconds from the start of the process to the first receipt."""
    seconds: float
    """From that to the last one."""
    cpu: float
    """Seconds of processor time that the daemon took meanwhile."""
    ready: float
    """Megabytes that the daemon holds when it is ready."""
    tenth: float
    """At most until a tenth of it was there."""
    most: float
    """At most."""
    bare: tuple[float, float]
    """Requests per second of the bare client, before and after."""


async def whole(sink: Sink, folder: Path, owed: int) -> Whole:
    """Owe so many, and have a daemon make all of them."""
    receivers = endpoints(Shape(ENDPOINTS, AT_ONCE, 0), sink.port)
    before = (await play(BARE, sink, folder)).bare.rate
    held: list[float] = []
    with tempfile.TemporaryDirectory(dir=folder) as there:
        here = Path(there)
        await owe(here, owed, receivers)
        config(here, {one.name: one.url for one in receivers}, ["[[sources]]\n" + REGISTERED])
        async with process(here) as daemon:
            held.append(daemon.memory())
            cpu = daemon.cpu()
            while value(here, WAITING):
                await asyncio.sleep(LOOK)
                held.append(daemon.memory())
            cpu, most = daemon.cpu() - cpu, daemon.memory("VmHWM")
    found = await sink.receipts()
    check(found, owed, in_order=False)
    came = [one["at"] for one in found]
    after = (await play(BARE, sink, folder)).bare.rate
    tenth = max(held[: 1 + len(held) // 10])
    return Whole(owed, min(came) - daemon.began, max(came) - min(came), cpu, held[0], tenth, most, (before, after))


def figures(one: Whole) -> dict[str, Any]:
    """With its rate beside that of the bare client."""
    rate, bare = one.owed / one.seconds, sum(one.bare) / len(one.bare)
    return {
        "owed": one.owed,
        "first_s": round(one.first, 2),
        "seconds": round(one.seconds, 1),
        "per_second": round(rate),
        "bare_per_second": round(bare),
        "ratio": round(rate / bare, 2),
        "cpu_us": round(one.cpu / one.owed * 1e6),
        "ready_mb": round(one.ready),
        "tenth_mb": round(one.tenth),
        "most_mb": round(one.most),
    }


def printed(row: Mapping[str, Any]) -> list[str]:
    """For people."""
    return [
        f"{row['owed']:,} owed, all of it made by the daemon:",
        f"first there {row['first_s']} s after its start, the last {row['seconds']} s later",
        f"{row['per_second']:,}/s; aiohttp alone, before and after: {row['bare_per_second']:,}/s; {row['ratio']} of it",
        f"processor, each: {row['cpu_us']} µs, with the log",
        f"memory: {row['ready_mb']} MB when ready, {row['tenth_mb']} MB in the first tenth, {row['most_mb']} MB in all",
        f"wanted: within {SOON:.0f} s, {SHARE} of aiohttp alone, {MEMORY:.0f} MB at most",
    ]
