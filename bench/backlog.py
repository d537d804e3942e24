"""What a large backlog costs: until the first of it is there, and for each delivery beside how much else is owed."""

import sqlite3
import tempfile
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from bench.corpus import Shape, announce, endpoints
from bench.daemon import daemon, within
from bench.receipts import Sink, check
from bench.rounds import Taken, measured
from notifier.core.model import Endpoint, Status
from notifier.sender import Sender
from notifier.store import Store

ENDPOINTS, AT_ONCE = 25, 8
SOON = 2.0
"""Seconds at most until the first of a backlog is there."""
GROWTH = 1.3
"""Times what a delivery costs where a hundredth is owed, at most."""
EVENTS = """WITH RECURSIVE numbers(n) AS (SELECT 2 UNION ALL SELECT n + 1 FROM numbers WHERE n < :owed)
    INSERT INTO events (id, type, source, upload, lane, sequence, status, at, body)
    SELECT printf('evt_%032x', n), type, source, upload, n, 1, status, at, body
    FROM numbers JOIN events ON position = 1 WHERE n <= :owed"""
DELIVERIES = """INSERT INTO deliveries (event, endpoint, lane, sequence, created_at, due_at, head)
    SELECT position, 1 + position % :endpoints, lane, sequence, at, at, 1 FROM events WHERE position > 1"""


@dataclass(frozen=True, slots=True)
class Drained:
    """What it took to bring away the beginning of a backlog."""

    owed: int
    first: float
    """Seconds from opening the database until the first was there."""
    taken: Taken
    grown: float
    """Megabytes of memory that this process has more than before the first."""


async def backlogs(sink: Sink, folder: Path, most: int, deliveries: int, rounds: int) -> list[list[Drained]]:
    """A hundredth of so many owed, a tenth, all; in each round the next deliveries are made of what is left of it."""
    return [await backlog(sink, folder, max(rounds, most // part), deliveries, rounds) for part in (100, 10, 1)]


async def backlog(sink: Sink, folder: Path, owed: int, deliveries: int, rounds: int) -> list[Drained]:
    """Owe so many; in each round make so many deliveries, or as many as there are for a round."""
    receivers = endpoints(Shape(ENDPOINTS, AT_ONCE, 0), sink.port)
    with tempfile.TemporaryDirectory(dir=folder) as here:
        await owe(Path(here), owed, receivers)
        return [await drain(sink, Path(here), owed, min(deliveries, owed // rounds)) for _ in range(rounds)]


async def drain(sink: Sink, folder: Path, owed: int, deliveries: int) -> Drained:
    """Open the database as a start does, make so many deliveries, or a few more, and stop."""
    receivers = endpoints(Shape(ENDPOINTS, AT_ONCE, 0), sink.port)
    began = time.monotonic()
    async with daemon(folder, receivers) as (store, sender):
        await store.enrol({"posts": "upload_post"}, [one.name for one in receivers])
        before = memory()
        with measured(deliveries) as taken:
            await send(sender, deliveries)
            await sender.stop(5.0)
        taken.deliveries, grown = delivered(sender), memory() - before
    found = await sink.receipts()
    check(found, taken.deliveries, in_order=False)
    return Drained(owed, min(one["at"] for one in found) - began, taken, grown)


async def owe(folder: Path, owed: int, receivers: Sequence[Endpoint]) -> None:
    """Announce one event, and have SQLite write the others after its pattern: each of a lane of its own, and due."""
    store = await Store.open(folder / "notifier.db")
    await announce(store, 1, receivers[:1], [Status.COMPLETED])
    await store.enrol({"posts": "upload_post"}, [one.name for one in receivers])
    await store.close()
    with closing(sqlite3.connect(folder / "notifier.db")) as db, db:
        db.execute(EVENTS, {"owed": owed})
        db.execute(DELIVERIES, {"endpoints": len(receivers)})


async def send(sender: Sender, deliveries: int) -> None:
    """Passes, as the daemon's loop makes them, until so many are delivered, or all that there are."""
    while True:
        sender.wake.clear()
        at = await sender.send_due()
        if delivered(sender) >= deliveries or not sender.in_flight:
            return
        await within(at - time.time(), sender.wake.wait())


def delivered(sender: Sender) -> int:
    """How many have been, and that is committed."""
    return sum(one.tally.ended["delivered"] for one in sender.served.values())


def memory() -> float:
    """Megabytes that this process holds now."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * 4096 / 2**20
