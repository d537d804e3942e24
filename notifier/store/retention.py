"""What is kept no longer: what is over for long goes, in bites, and the file gives back what it held.

Each bite is one short transaction, so that nobody waits long for it, and is right by itself: it may be the last.
"""

import json
import sqlite3
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from notifier.core.diff import reduced
from notifier.store.owing import Owing
from notifier.store.rows import SNAPSHOT, snapshot_text

PAST = """SELECT at, position, (SELECT count(*) FROM deliveries WHERE event = e.position),
        EXISTS (SELECT 1 FROM deliveries
            WHERE event = e.position AND (phase IN ('waiting', 'dead') OR settled_at >= :before))
        OR EXISTS (SELECT 1 FROM uploads WHERE media_id = e.lane AND open = 1 AND sequence = e.sequence),
        (SELECT json_group_array(DISTINCT event) FROM deliveries WHERE replaced_by = e.position)
    FROM events AS e WHERE (at, position) > (:at, :position) AND at < :before ORDER BY at, position LIMIT :most"""
"""Old events: how many deliveries each has, whether it is needed for itself, and which others it has replaced.

The last word on what is open stays, however old: an endpoint to come may ask for it.
"""
FORGET = (
    """DELETE FROM attempts WHERE delivery IN (
        SELECT id FROM deliveries WHERE event IN (SELECT value FROM json_each(:going)))""",
    "DELETE FROM deliveries WHERE event IN (SELECT value FROM json_each(:going))",
    "DELETE FROM renderings WHERE event IN (SELECT value FROM json_each(:going))",
    "DELETE FROM events WHERE position IN (SELECT value FROM json_each(:going))",
)
RESTING = """SELECT * FROM uploads
    WHERE open = 0 AND due_at IS NULL AND snapshot IS NOT NULL AND snapshot->>'reduced' IS NULL
        AND coalesce(changed_at, followed_at) < ? LIMIT ?"""


class Place(NamedTuple):
    """How far the events have been looked through."""

    at: float = 0.0
    position: int = 0


class Retention(Owing):
    """The part of the store that forgets."""

    async def prune_events(self, before: float, place: Place, most: int) -> Place | None:
        """Delete events announced before a moment with all their deliveries, where the last of these ended before it.

        None goes of which anything waits or is dead: while an event is kept, it is known who had it. At most `most`
        deliveries go, or all of one event. Answers how far it has looked; None: there are no more to look at.
        """
        parameters = {"before": before, "most": most, **place._asdict()}
        found, looked_at = await self.database.write(_forget, parameters, most)
        return Place(*found[looked_at - 1][:2]) if looked_at == most or looked_at < len(found) else None

    async def prune_uploads(self, before: float, most: int) -> int:
        """Reduce to their status the uploads that have settled, rest since before a moment, and are asked for no more.

        Their rows stay: they have the media id and the sequence, and a list that shows one says nothing new by it.
        Their callbacks, which are meant for what is under way, are told no more. Answers how many.
        """
        return await self.database.write(_reduce, before, most)

    async def prune_replays(self, before: float, most: int) -> int:
        """Delete replays that were done before a moment, unless a delivery that is left was owed by one."""
        sql = """DELETE FROM replays WHERE id IN (SELECT id FROM replays AS r WHERE done_at < ?
            AND NOT EXISTS (SELECT 1 FROM deliveries WHERE replay = r.id) LIMIT ?)"""
        return await self.database.write(lambda db: db.execute(sql, (before, most)).rowcount)

    async def give_back(self, most: int) -> bool:
        """Give back to the disk at most so many pages that hold nothing; answers whether there are more."""
        return await self.database.write(_give_back, most)

    async def write_back(self) -> None:
        """Write back to the file what its log holds, as far as nobody reads that."""
        await self.database.alone("PRAGMA wal_checkpoint(PASSIVE)")


def _forget(db: sqlite3.Connection, parameters: Mapping[str, float], most: int) -> tuple[list[Any], int]:
    """The rows of `PAST`, and how many of them were looked at."""
    found = db.execute(PAST, parameters).fetchall()
    going, looked_at = _going(found, most)
    for sql in FORGET:
        db.execute(sql, {"going": json.dumps(going)})
    return found, looked_at


def _going(found: Sequence[Any], most: int) -> tuple[list[int], int]:
    """Which of these rows of `PAST` go, by their positions, and how many rows were looked at for that."""
    going: list[int] = []
    deliveries = 0
    for looked_at, (_, position, count, needed, replaced) in enumerate(found):
        if needed or not set(json.loads(replaced)) <= set(going):
            continue
        if going and deliveries + count > most:
            return going, looked_at
        going.append(position)
        deliveries += count
    return going, len(found)


def _reduce(db: sqlite3.Connection, before: float, most: int) -> int:
    cursor = db.execute(RESTING, (before, most))
    columns = [name for name, *_ in cursor.description]
    found = [dict(zip(columns, row, strict=True)) for row in cursor]
    left = [{**row, "snapshot": _reduced(row["snapshot"]), "callback": None} for row in found]
    # Deleted and inserted: a row that shrinks in its place leaves a hole there that nothing fills.
    db.executemany("DELETE FROM uploads WHERE media_id = :media_id", left)
    values = ", ".join(f":{name}" for name in columns)
    db.executemany(f"INSERT INTO uploads VALUES ({values})", left)  # noqa: S608  # our own words
    return len(left)


def _give_back(db: sqlite3.Connection, most: int) -> bool:
    db.execute(f"PRAGMA incremental_vacuum({most})").fetchall()
    ((free,),) = db.execute("PRAGMA freelist_count")
    return bool(free)


def _reduced(snapshot: str) -> str:
    return snapshot_text(reduced(SNAPSHOT.validate_json(snapshot)))
