"""Very many uploads, of which few are still open: what they cost a daemon that follows them, on disk and in memory."""

import asyncio
import sqlite3
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.process import Process, config, process, source, value
from bench.provider import PAGE, name
from bench.receipts import Sink, provider
from bench.rounds import a_request
from notifier.core.diff import fingerprint
from notifier.core.model import LookKind, Observation, Status
from notifier.providers.http_json_items import KIND
from notifier.store import Store
from notifier.store.rows import snapshot_text

DAY = 86400.0
AGE = 1200.0
"""Seconds since the open ones began."""
QUIET = 2.0
"""Seconds in which the processor is next to idle once the start is over."""
SETTLING = 30
"""Times that this is waited for: a round of looks in all."""
WINDOW = 60.0
"""Seconds of looking on, once all accounts were looked at."""
READY, MEMORY, IDLE, BYTES, BUSY = 2.0, 200.0, 0.05, 400.0, 0.25
"""Wanted, at most: seconds, megabytes, of a core where all are quiet, bytes for each, of a core with all lists open."""
UPLOAD = """INSERT INTO uploads
    (media_id, source, kind, id, registered, followed_at, sequence, snapshot, open, changed_at, fingerprint)
    VALUES (?, ?, ?, ?, 0, ?, 1, ?, ?, ?, ?)"""
LISTING = """INSERT INTO listings (source, collection, page, due_at, baseline_at, swept_at)
    SELECT number, ?1, 1, ?2, ?2, ?2 FROM sources"""
SIZE = "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size"
PAYLOAD = "SELECT sum(length(id) + length(snapshot)) FROM uploads"
UNSEEN = "SELECT count(*) FROM uploads WHERE fingerprint IS NULL"


@dataclass(frozen=True, slots=True)
class Followed:
    """What it took to follow so many, of whom so many are open, in so many accounts."""

    uploads: int
    live: int
    accounts: int
    size: float
    """Bytes of the database for each."""
    payload: float
    """Of them what a provider told."""
    ready: float
    """Seconds after the start, the second one."""
    first_peak: float
    """Megabytes at most during the first run, that looked at everything for the first time."""
    peak: float
    """During the second one."""
    cpu: float
    """Seconds of processor time, in so many seconds, with so many looks."""
    seconds: float
    looks: int
    request: float
    """Microseconds of it that the bare client takes for a request, shortly before."""


async def follow(
    sink: Sink, folder: Path, uploads: int, live: int, accounts: int, budget: str, share: float
) -> Followed:
    """Build the database, let the daemon look at all of it once, and look on at the next start.

    It is looked on for a `share` of the time, which goes by so much faster.
    """
    pace, window = 1 / share, WINDOW * share
    request = await a_request(sink, folder)
    with tempfile.TemporaryDirectory(dir=folder) as there, provider(uploads, live, accounts) as asked:
        here = Path(there)
        await build(here, uploads, live, accounts)
        sources = [source(number, asked.port, budget) for number in range(accounts)]
        config(here, {"app": f"http://127.0.0.1:{sink.port}/0"}, sources)
        async with process(here, pace) as first:
            while value(here, UNSEEN):  # noqa: ASYNC110  # it is another process
                await asyncio.sleep(1.0)
            first_peak = first.memory("VmHWM")
        before = await asked.asked()
        async with process(here, pace) as second:
            while await asked.asked() < before + accounts:  # noqa: ASYNC110  # it is another process
                await asyncio.sleep(QUIET)
            await settles(second)
            looks, cpu, began = await asked.asked(), second.cpu(), time.monotonic()
            await asyncio.sleep(window)
            looks, cpu, seconds = await asked.asked() - looks, second.cpu() - cpu, time.monotonic() - began
            peak = second.memory("VmHWM")
        size, payload = value(here, SIZE) / uploads, value(here, PAYLOAD) / uploads
    assert not await sink.receipts(), "there was news, although nothing changed"
    return Followed(
        uploads, live, accounts, size, payload, second.ready, first_peak, peak, cpu, seconds, looks, request
    )


async def settles(of: Process) -> None:
    """Wait until the start is over: until it is quiet, or, where it never is, for one round of looks."""
    for _ in range(SETTLING):
        if await is_quiet(of):
            break


async def is_quiet(of: Process) -> bool:
    """Whether it does next to nothing for a while."""
    before = of.cpu()
    await asyncio.sleep(QUIET)
    return of.cpu() - before < QUIET / 4


async def build(folder: Path, uploads: int, live: int, accounts: int) -> None:
    """The database of a daemon that has followed them for long: those that are open are the newest."""
    store = await Store.open(folder / "notifier.db")
    await store.enrol({f"source-{number}": "http_json" for number in range(accounts)}, ["app"])
    numbers = [store.source_number(f"source-{number}") for number in range(accounts)]
    await store.close()
    now = time.time()
    with closing(sqlite3.connect(folder / "notifier.db")) as db, db:
        db.executemany(UPLOAD, rows(uploads, live, numbers, now))
        db.execute("UPDATE counters SET next = ?", (uploads + 1,))
        db.execute(LISTING, (KIND, now))


def rows(uploads: int, live: int, numbers: Sequence[int], now: float) -> Iterator[tuple[object, ...]]:
    """Their rows, with what a store would have written. No look has shown the first page of each list yet."""
    for number in range(uploads):
        is_open = number >= uploads - live
        at = now - (AGE if is_open else DAY * 3)
        status, word = (Status.PROCESSING, "running") if is_open else (Status.COMPLETED, "done")
        seen = Observation(KIND, name(number), status, word, task=number + 1)
        known = None if number >= uploads - PAGE * len(numbers) else fingerprint(seen, LookKind.LIST)
        yield (number + 1, numbers[number % len(numbers)], KIND, seen.id, at, snapshot_text(seen), is_open, at, known)


def figures(found: Followed) -> dict[str, Any]:
    """With what a page of the open ones costs."""
    each = found.cpu / max(1, found.looks)
    return {
        "uploads": found.uploads,
        "live": found.live,
        "accounts": found.accounts,
        "bytes": round(found.size),
        "payload": round(found.payload),
        "ready_s": round(found.ready, 2),
        "first_peak_mb": round(found.first_peak),
        "peak_mb": round(found.peak),
        "busy": round(found.cpu / found.seconds, 3),
        "looks_per_second": round(found.looks / found.seconds, 1),
        "look_us": round(each * 1e6),
        "look_requests": round(each * 1e6 / found.request, 1),
    }


def printed(cases: Sequence[Mapping[str, Any]]) -> list[str]:
    """A table."""
    return [
        ("  uploads     open  accounts   bytes, payload   ready   memory: first, then   looks   of a core  one look"),
        *[
            f"{row['uploads']:9,}  {row['live']:7,}  {row['accounts']:8,}  {row['bytes']:6}, {row['payload']:7}"
            f"  {row['ready_s']:4} s  {row['first_peak_mb']:9} MB, {row['peak_mb']:4} MB"
            f"  {row['looks_per_second']:4}/s  {row['busy']:10.1%}"
            f"  {row['look_us'] / 1000:.1f} ms, {row['look_requests']}"
            for row in cases
        ],
        "one look: processor time, and as many requests of aiohttp alone, minutes before",
        f"wanted for a million: {BYTES:.0f} bytes beside it, {READY:.0f} s, {MEMORY:.0f} MB, {IDLE:.0%} of a core",
        f"wanted for a thousand lists whose hundred uploads are open, looked at once a minute: {BUSY:.0%} of a core",
    ]
