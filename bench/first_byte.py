"""From a provider's answer to the webhook: the real daemon, idle but for that."""

import asyncio
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bench.process import config, process, source
from bench.provider import name
from bench.receipts import Sink, check, provider

PACE, RESTED = 200.0, 15.0
"""So many times faster does the daemon look again: it rests for 0.15 s between two answers and not for 30, or for 2 s,
in which its caches get cold. What it does with an answer is the same."""
MEDIAN, P99 = 5.0, 20.0
"""Milliseconds at most."""
NEWS = ("found", "changed")
"""What an answer may bring: an upload that nobody knew, and another status of one that is followed."""


async def first_bytes(sink: Sink, folder: Path, samples: int, pace: float = PACE) -> dict[str, list[float]]:
    """Seconds from the moment at which an answer is written to the one at which its webhook is there, in order.

    Of answers that show an upload for the first time, and of those that show that it is done: by `NEWS`.
    """
    with tempfile.TemporaryDirectory(dir=folder) as here, provider(1, 0, 1, grows=True) as asked:
        config(Path(here), {"app": f"http://127.0.0.1:{sink.port}/0"}, [source(0, asked.port, "1000/s")])
        async with process(Path(here), pace):
            while await asked.asked() < 2 * samples + 4:  # noqa: ASYNC110  # it is another process
                await asyncio.sleep(1.0)
        told = await asked.stamps()
    found = await sink.receipts()
    check(found, len(found), in_order=True)
    delays: dict[str, list[float]] = {news: [] for news in NEWS}
    for one in found:
        if one["upload"] != name(1):  # it was there before: that it was found is no news
            delay = one["at"] - told[f"{one['upload']}/{one['sequence']}"]
            delays[NEWS[one["sequence"] - 1]].append(delay)
    assert min(map(len, delays.values())) >= samples, "an answer was not told"  # one may be at the stop
    return {news: sorted(each) for news, each in delays.items()}


def by_rest(row: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    """The figures by how long the daemon rests between two answers."""
    return [("0.15 s", row), ("2 s", row["rested"])]


def printed(row: Mapping[str, Any]) -> list[str]:
    """For people."""
    return [
        "a provider's answer → its webhook, through the daemon, idle but for that:",
        *[
            f"{news:7}  after {rest:6}  median {one[news]['median_ms']:5.2f} ms, p99 {one[news]['p99_ms']:5.2f} ms"
            f"  of {one['samples']:,}"
            for rest, one in by_rest(row)
            for news in NEWS
        ],
        f"wanted: {MEDIAN:.0f} ms and {P99:.0f} ms at most",
    ]
