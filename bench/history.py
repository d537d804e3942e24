"""What a long history costs: each delivery, beside how many are over."""

import sqlite3
import statistics
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.corpus import STATUSES, Shape, announce, endpoints
from bench.daemon import daemon, send_all
from bench.receipts import Sink, check
from bench.rounds import Taken, measured
from notifier.core.model import Status

ENDPOINTS, AT_ONCE = 25, 8
GROWTH = 1.3
"""Times what a delivery costs with the least history, at most."""
LEAST = 1000
PATTERN = "UPDATE deliveries SET phase = 'dropped', dropped_by = 'bench', due_at = NULL, settled_at = 0, head = 0"
EVENTS = """WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < :past)
    INSERT INTO events (id, type, source, upload, lane, sequence, status, at, body)
    SELECT printf('evt_%032x', n), type, source, upload, 1000000000 + n, 1, status, at, body
    FROM numbers JOIN events ON position = 1"""
UPLOADS = """WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < :past)
    INSERT INTO uploads (media_id, source, kind, id, registered, followed_at, sequence, snapshot, open, changed_at)
    SELECT 1000000000 + n, source, kind, printf('past_%08d', n), registered, followed_at, 1, snapshot, 0, changed_at
    FROM numbers JOIN uploads ON media_id = (SELECT min(media_id) FROM uploads)"""
DELIVERIES = """INSERT INTO deliveries
        (event, endpoint, lane, sequence, phase, created_at, settled_at, slots, attempts, head)
    SELECT position, 1 + position % :endpoints, lane, sequence, 'delivered', at, at, 1, 1, 0
    FROM events WHERE position > 1"""
ATTEMPTS = """INSERT INTO attempts (delivery, number, started_at, duration, phases, outcome, status, note, excerpt)
    SELECT id, 1, created_at, 0.1, '{"first_byte": 0.1}', 'delivered', 204, '', ''
    FROM deliveries WHERE phase = 'delivered'"""


@dataclass(frozen=True, slots=True)
class Beside:
    """What it took to announce and deliver so many, beside so many that are over."""

    past: int
    announced: Taken
    delivered: Taken


async def histories(sink: Sink, folder: Path, most: int, deliveries: int, rounds: int) -> list[list[Beside]]:
    """Histories of a thousand deliveries, ten thousand and so on; each has its turn in every round."""
    sizes = [LEAST]
    while sizes[-1] * 10 <= most:
        sizes.append(sizes[-1] * 10)
    with ExitStack() as opened:
        there = [Path(opened.enter_context(tempfile.TemporaryDirectory(dir=folder))) for _ in sizes]
        for here, past in zip(there, sizes, strict=True):
            await live(here, past)
        return [
            [await beside(sink, here, past, deliveries, number) for here, past in zip(there, sizes, strict=True)]
            for number in range(rounds)
        ]


async def live(folder: Path, past: int) -> None:
    """Have so many deliveries been made, of as many uploads: one is announced, and SQLite writes all others."""
    receivers = endpoints(Shape(ENDPOINTS, AT_ONCE, 0), 1)
    async with daemon(folder, receivers) as (store, _):
        await announce(store, 1, receivers, [Status.COMPLETED])
    with closing(sqlite3.connect(folder / "notifier.db")) as db, db:
        db.execute(PATTERN)
        db.execute(EVENTS, {"past": past})
        db.execute(UPLOADS, {"past": past})
        assert db.execute("SELECT changes()").fetchone() == (past,)
        db.execute(DELIVERIES, {"endpoints": ENDPOINTS})
        db.execute(ATTEMPTS)


async def beside(sink: Sink, folder: Path, past: int, deliveries: int, number: int) -> Beside:
    """Open the database as a start does, announce so many deliveries, and make them."""
    shape = Shape(ENDPOINTS, AT_ONCE, deliveries)
    receivers, made = endpoints(shape, sink.port), shape.uploads * len(STATUSES) * ENDPOINTS
    async with daemon(folder, receivers) as (store, sender):
        with measured(made) as announced:
            await announce(store, shape.uploads, receivers, first=1 + number * shape.uploads)
        with measured(made) as delivered:
            await send_all(sender)
    check(await sink.receipts(), made, in_order=True)
    return Beside(past, announced, delivered)


def figures(rounds: Sequence[Sequence[Beside]]) -> list[dict[str, Any]]:
    """Medians over the rounds; how many times the least history's is taken within each round."""
    return [
        {
            "past": column[0].past,
            "deliveries": column[0].delivered.deliveries,
            "cpu_us": median(one.delivered.each for one in column),
            "times": times([one.delivered for one in column], [row[0].delivered for row in rounds]),
            "announce_us": median(one.announced.each for one in column),
            "announce_times": times([one.announced for one in column], [row[0].announced for row in rounds]),
            "per_second": round(median(one.delivered.rate for one in column)),
        }
        for column in zip(*rounds, strict=True)
    ]


def median(values: Iterable[float]) -> float:
    """Of them, rounded."""
    return round(statistics.median(values), 1)


def times(some: Iterable[Taken], least: Iterable[Taken]) -> float:
    """How many times the least it is, in the median."""
    return round(statistics.median(one.each / other.each for one, other in zip(some, least, strict=True)), 2)


def printed(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """A table."""
    return [
        f"{rows[0]['deliveries']:,} deliveries beside so many that are over, of as many uploads:",
        "     past   processor, each       ×   announced, each       ×      rate",
        *[
            f"{row['past']:9,}  {row['cpu_us']:13.1f} µs  {row['times']:6.2f}  {row['announce_us']:13.1f} µs"
            f"  {row['announce_times']:6.2f}  {row['per_second']:6,}/s"
            for row in rows
        ],
        f"wanted: {GROWTH} times the first at most",
    ]
