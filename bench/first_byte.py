"""From a provider's answer to the webhook: the real daemon, idle but for that."""

import asyncio
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bench.process import config, process, source
from bench.receipts import Sink, check, provider

PACE = 200.0
"""So many times faster does the daemon look again: seconds and not minutes pass between two answers. What it does with
an answer is the same."""
MEDIAN, P99 = 5.0, 20.0
"""Milliseconds at most."""


async def first_bytes(sink: Sink, folder: Path, samples: int) -> list[float]:
    """Seconds from the moment at which an answer is written to the one at which its webhook is there, in order."""
    with tempfile.TemporaryDirectory(dir=folder) as here, provider(1, 0, 1, grows=True) as asked:
        config(Path(here), {"app": f"http://127.0.0.1:{sink.port}/0"}, [source(0, asked.port, "1000/s")])
        async with process(Path(here), PACE):
            while await asked.asked() < samples + 2:  # noqa: ASYNC110  # it is another process
                await asyncio.sleep(1.0)
        told = await asked.stamps()
    found = await sink.receipts()
    check(found, len(found), in_order=True)
    assert len(found) >= samples, "an answer was not told"  # but the first, which is no news, and one at the stop
    return sorted(one["at"] - told[one["upload"]] for one in found)


def printed(row: Mapping[str, Any]) -> list[str]:
    """For people."""
    return [
        f"a provider's answer → its webhook, through the daemon: median {row['median_ms']} ms, p99 {row['p99_ms']} ms",
        f"of {row['samples']:,} answers; wanted: {MEDIAN:.0f} ms and {P99:.0f} ms at most",
    ]
