"""A whole backlog through the real daemon, in several lives: what each takes from its start on, and what memory.

Between two of them the bare client sends to the same sink: within minutes the machine may be another.
"""

import asyncio
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any

from bench.backlog import AT_ONCE, ENDPOINTS, SOON, owe
from bench.corpus import Shape, endpoints
from bench.crowd import REGISTERED
from bench.process import config, process, value
from bench.receipts import Sink, check
from bench.rounds import Taken, play

LOOK = 1.0
"""Seconds from one look at its memory to the next."""
LIFE = 45.0
"""Seconds after which a daemon that is ready is stopped."""
MEMORY = 150.0
"""Megabytes at most."""
SHARE = 0.8
"""Of the bare client's rate."""
BARE = Shape(ENDPOINTS, AT_ONCE, 6000)
"""What the bare client sends, before and after each life."""
WAITING = "SELECT EXISTS (SELECT 1 FROM deliveries WHERE phase = 'waiting')"


@dataclass(frozen=True, slots=True)
class Life:
    """What a daemon did from its start to its end."""

    first: float
    """Seconds from the start of the process to the first receipt."""
    taken: Taken
    """From that to the last one."""
    held: list[float]
    """Megabytes when it was ready, then at each look, and at most."""


@dataclass(frozen=True, slots=True)
class Whole:
    """What became of a backlog."""

    owed: int
    lives: list[Life]
    bare: list[Taken]
    """The bare client before the first life and after each."""


async def whole(sink: Sink, folder: Path, owed: int) -> Whole:
    """Owe so many, and have daemons make all of them, one after the other."""
    receivers = endpoints(Shape(ENDPOINTS, AT_ONCE, 0), sink.port)
    lives: list[Life] = []
    bare = [(await play(BARE, sink, folder)).bare]
    found: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory(dir=folder) as there:
        here = Path(there)
        await owe(here, owed, receivers)
        config(here, {one.name: one.url for one in receivers}, ["[[sources]]\n" + REGISTERED])
        while value(here, WAITING):
            life, receipts = await live(sink, here)
            lives.append(life)
            found += receipts
            bare.append((await play(BARE, sink, folder)).bare)
    check(found, owed, in_order=False)
    return Whole(owed, lives, bare)


async def live(sink: Sink, folder: Path) -> tuple[Life, list[dict[str, Any]]]:
    """One life, which is over when nothing waits any more, or after its time; and what came of it."""
    async with process(folder) as daemon:
        held = [daemon.memory()]
        cpu, end = daemon.cpu(), time.monotonic() + LIFE
        while time.monotonic() < end and value(folder, WAITING):
            await asyncio.sleep(LOOK)
            held.append(daemon.memory())
        cpu = daemon.cpu() - cpu
        held.append(daemon.memory("VmHWM"))
    receipts = await sink.receipts()
    came = [one["at"] for one in receipts]
    return Life(min(came) - daemon.began, Taken(len(came), max(came) - min(came), cpu), held), receipts


def figures(one: Whole) -> dict[str, Any]:
    """The rate and the processor time of each life beside those of the bare client just before and after."""
    ratios, times = [], []
    for life, (before, after) in zip(one.lives, pairwise(one.bare), strict=True):
        ratios.append(life.taken.rate * 2 / (before.rate + after.rate))
        times.append(life.taken.each * 2 / (before.each + after.each))
    held = one.lives[0].held
    return {
        "owed": one.owed,
        "lives": len(one.lives),
        "first_s": round(max(life.first for life in one.lives), 2),
        "per_second": round(median(life.taken.rate for life in one.lives)),
        "bare_per_second": round(median(each.rate for each in one.bare)),
        "ratio": round(median(ratios), 2),
        "ratio_least": round(min(ratios), 2),
        "ratio_most": round(max(ratios), 2),
        "cpu_us": round(median(life.taken.each for life in one.lives)),
        "bare_cpu_us": round(median(each.each for each in one.bare)),
        "cpu_times": round(median(times), 2),
        "ready_mb": round(held[0]),
        "tenth_mb": round(max(held[: 1 + len(held) // 10])),
        "most_mb": round(max(max(life.held) for life in one.lives)),
    }


def printed(row: Mapping[str, Any]) -> list[str]:
    """For people."""
    return [
        f"{row['owed']:,} owed, all of it made by the daemon, which was started {row['lives']} times:",
        f"first there {row['first_s']} s after a start, at most",
        f"{row['per_second']:,}/s; aiohttp alone, in between: {row['bare_per_second']:,}/s",
        f"{row['ratio']} of it; in the lives {row['ratio_least']} to {row['ratio_most']}",
        f"processor, each: {row['cpu_us']} µs with the log, and {row['bare_cpu_us']}: × {row['cpu_times']}",
        f"memory: {row['ready_mb']} MB when ready, {row['tenth_mb']} MB in the first tenth, {row['most_mb']} MB in all",
        f"wanted: within {SOON:.0f} s, {SHARE} of aiohttp alone, {MEMORY:.0f} MB at most",
    ]
