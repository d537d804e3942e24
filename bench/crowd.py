"""Ten thousand endpoints: what each costs in memory, and whether one that is owed much makes the others wait."""

import asyncio
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.corpus import PAGE, Shape, endpoints, follow, step
from bench.process import config, process, value
from bench.receipts import Sink, check
from notifier.core.model import Endpoint, Status
from notifier.store import Announcement, Store

ENDPOINTS = 10_000
GREEDY = 1000
"""What the first endpoint is owed besides, and for longer than all others are owed anything."""
MOST_EACH = 20.0
"""Kilobytes of memory for an endpoint, at most."""
PATIENCE = 600.0
LOOK = 0.25
"""Seconds from one look at its memory to the next."""
REGISTERED = """name = "posts"
provider = "upload_post"
api_key = "nobody's"
discover = false
"""
"""A source at which nothing is to be asked."""


@dataclass(frozen=True, slots=True)
class Crowd:
    """One delivery to each of so many endpoints."""

    endpoints: int
    ready: float
    """Seconds until the daemon was."""
    at_first: float
    """Kilobytes of memory that it holds then for each of them."""
    most: float
    """The same at most while it sends, looked at often."""
    more: float
    """The same having sent to every one of them."""
    firsts: Sequence[float]
    """Seconds after the very first at which each had its delivery, in order; the greedy one is none of them."""
    last: float
    """Seconds until the greedy one had its last."""


async def crowd(sink: Sink, folder: Path, count: int) -> Crowd:
    """An upload for each, told to that one alone; the first has a thousand besides."""
    greedy = min(GREEDY, count)
    alone = await sent(sink, folder, 1, 1)
    await sink.receipts()
    they = await sent(sink, folder, count, greedy)
    found = await sink.receipts()
    check(found, greedy + count, in_order=True)
    began = min(one["at"] for one in found)
    firsts = sorted(one["at"] - began for one in found if one["path"] != "/0")
    last = max(one["at"] for one in found if one["path"] == "/0") - began
    at_first, most, more = ((theirs - its) * 1024 / count for theirs, its in zip(they[1:], alone[1:], strict=True))
    return Crowd(count, they[0], at_first, most, more, firsts, last)


async def sent(sink: Sink, folder: Path, count: int, greedy: int) -> tuple[float, float, float, float]:
    """Have a daemon send all that.

    Answers after how many seconds it was ready, its megabytes then, the most while it sent, and at the end.
    """
    receivers = endpoints(Shape(count, 8, 0), sink.port)
    with tempfile.TemporaryDirectory(dir=folder) as there:
        here = Path(there)
        store = await Store.open(here / "notifier.db")
        await owe(store, [receivers[0]] * greedy + receivers, receivers)
        await store.close()
        config(here, {one.name: one.url for one in receivers}, ["[[sources]]\n" + REGISTERED])
        async with process(here) as daemon, asyncio.timeout(PATIENCE):
            most = at_first = daemon.memory()
            while value(here, "SELECT count(*) FROM deliveries WHERE phase = 'waiting'"):
                most = max(most, daemon.memory())
                await asyncio.sleep(LOOK)
            return daemon.ready, at_first, max(most, daemon.memory()), daemon.memory()


async def owe(store: Store, to: Sequence[Endpoint], receivers: Sequence[Endpoint]) -> None:
    """Announce one upload for each of these, and to no other."""
    known = await follow(store, len(to), receivers)
    for start in range(0, len(to), PAGE):
        page = [step(upload, Status.COMPLETED) for upload in known[start : start + PAGE]]
        owed = [(event, [receiver]) for (_, event), receiver in zip(page, to[start:], strict=False)]
        source = await store.source("posts")
        await store.announce(Announcement(source, uploads=[upload for upload, _ in page], owed=owed))


def figures(one: Crowd) -> dict[str, Any]:
    """With all treated alike, half of them have theirs after half of the time that all take."""
    whole = one.firsts[-1]
    return {
        "endpoints": one.endpoints,
        "ready_s": round(one.ready, 2),
        "kb_at_first": round(one.at_first, 1),
        "kb_most": round(one.most, 1),
        "kb_each": round(one.more, 1),
        "half_s": round(one.firsts[len(one.firsts) // 2], 3),
        "all_s": round(whole, 3),
        "greedy_s": round(one.last, 3),
        "per_second": round(len(one.firsts) / whole),
    }


def printed(row: Mapping[str, Any]) -> list[str]:
    """For people."""
    return [
        f"{row['endpoints']:,} endpoints, one upload each; the first of them is owed {GREEDY:,} more, for longer:",
        f"ready after {row['ready_s']} s",
        f"memory, each: {row['kb_at_first']} kB then, {row['kb_most']} kB at most, {row['kb_each']} kB having sent",
        f"wanted: {MOST_EACH:.0f} kB at most",
        f"had theirs: half after {row['half_s']} s, all after {row['all_s']} s, {row['per_second']:,}/s",
        f"that one had all of it after {row['greedy_s']} s",
    ]
