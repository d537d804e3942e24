"""What is kept no longer: what is over for long goes, in bites, and the file gives back what it held.

Each bite is one short transaction, so that nobody waits long for it, and is right by itself: it may be the last.
"""

import json
from typing import NamedTuple

from notifier.core.diff import reduced
from notifier.store.owing import Owing
from notifier.store.rows import SNAPSHOT

OVER = """SELECT id FROM deliveries
    WHERE phase IN ('delivered', 'superseded', 'dropped') AND settled_at < :before LIMIT :most"""
PAST = """SELECT at, position,
        EXISTS (SELECT 1 FROM deliveries WHERE event = e.position)
        OR EXISTS (SELECT 1 FROM deliveries WHERE replaced_by = e.position)
        OR EXISTS (SELECT 1 FROM uploads WHERE media_id = e.lane AND open = 1 AND sequence = e.sequence)
    FROM events AS e WHERE (at, position) > (:at, :position) AND at < :before ORDER BY at, position LIMIT :most"""
"""The last word on what is open stays, however old: an endpoint to come may ask for it."""
RESTING = """SELECT * FROM uploads
    WHERE open = 0 AND due_at IS NULL AND snapshot->>'reduced' = 0 AND coalesce(changed_at, followed_at) < ? LIMIT ?"""


class Place(NamedTuple):
    """How far the events have been looked through."""

    at: float = 0.0
    position: int = 0


class Retention(Owing):
    """The part of the store that forgets."""

    async def prune_deliveries(self, before: float, most: int) -> int:
        """Delete deliveries that were delivered, replaced or dropped before a moment, with all their attempts.

        Answers how many. What waits, and what is dead, stays.
        """
        async with self.database.transaction() as db:
            found = [row[0] for row in await db.execute_fetchall(OVER, {"before": before, "most": most})]
            ids = json.dumps(found)
            await db.execute("DELETE FROM attempts WHERE delivery IN (SELECT value FROM json_each(?))", (ids,))
            await db.execute("DELETE FROM deliveries WHERE id IN (SELECT value FROM json_each(?))", (ids,))
        return len(found)

    async def prune_events(self, before: float, place: Place, most: int) -> Place | None:
        """Delete events announced before a moment of which no delivery is left; answers how far it has looked.

        None: there are no more to look at.
        """
        parameters = {"before": before, "most": most, **place._asdict()}
        async with self.database.transaction() as db:
            found = list(await db.execute_fetchall(PAST, parameters))
            free = json.dumps([position for _, position, needed in found if not needed])
            await db.execute("DELETE FROM renderings WHERE event IN (SELECT value FROM json_each(?))", (free,))
            await db.execute("DELETE FROM events WHERE position IN (SELECT value FROM json_each(?))", (free,))
        return Place(*found[-1][:2]) if len(found) == most else None

    async def prune_uploads(self, before: float, most: int) -> int:
        """Reduce to their status the uploads that have settled, rest since before a moment, and are asked for no more.

        Their rows stay: they have the media id and the sequence, and a list that shows one says nothing new by it.
        Answers how many.
        """
        async with self.database.transaction() as db:
            async with db.execute(RESTING, (before, most)) as cursor:
                columns = [name for name, *_ in cursor.description]
                found = [dict(zip(columns, row, strict=True)) for row in await cursor.fetchall()]
            left = [{**row, "snapshot": _reduced(row["snapshot"])} for row in found]
            # Deleted and inserted: a row that shrinks in its place leaves a hole there that nothing fills.
            await db.executemany("DELETE FROM uploads WHERE media_id = :media_id", left)
            values = ", ".join(f":{name}" for name in columns)
            await db.executemany(f"INSERT INTO uploads VALUES ({values})", left)  # noqa: S608  # our own words
        return len(left)

    async def prune_replays(self, before: float, most: int) -> int:
        """Delete replays that were done before a moment, unless a delivery that is left was owed by one."""
        sql = """DELETE FROM replays WHERE id IN (SELECT id FROM replays AS r WHERE done_at < ?
            AND NOT EXISTS (SELECT 1 FROM deliveries WHERE replay = r.id) LIMIT ?)"""
        async with self.database.transaction() as db, db.execute(sql, (before, most)) as cursor:
            return cursor.rowcount

    async def give_back(self, most: int) -> bool:
        """Give back to the disk at most so many pages that hold nothing; answers whether there are more."""
        async with self.database.transaction() as db:
            await db.execute_fetchall(f"PRAGMA incremental_vacuum({most})")
            ((free,),) = await db.execute_fetchall("PRAGMA freelist_count")
        return bool(free)

    async def write_back(self) -> None:
        """Write back to the file what its log holds, as far as nobody reads that."""
        await self.database.alone("PRAGMA wal_checkpoint(PASSIVE)")


def _reduced(snapshot: str) -> str:
    return SNAPSHOT.dump_json(reduced(SNAPSHOT.validate_json(snapshot)), exclude_defaults=True).decode()
