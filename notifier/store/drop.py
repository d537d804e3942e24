"""What is given up: a delivery that waits, or is dead, is owed no more. Its row and its attempts stay."""

import json
from collections.abc import Sequence

import aiosqlite

from notifier.core.model import Phase
from notifier.store.followed import PROMOTE, Followed

OWED = (Phase.WAITING, Phase.DEAD)
DROP = """UPDATE deliveries SET phase = 'dropped', due_at = NULL, head = 0, settled_at = :now, dropped_by = :by
    WHERE id IN (SELECT value FROM json_each(:ids)) AND phase IN ('waiting', 'dead') RETURNING endpoint, lane"""
NEWEST = """SELECT d.id FROM json_each(:phases) AS p
    JOIN deliveries AS d ON d.id IN (
        SELECT id FROM deliveries WHERE endpoint = :endpoint AND phase = p.value ORDER BY id DESC LIMIT :most)
    ORDER BY d.id DESC LIMIT :most"""


class Dropping(Followed):
    """The part of the store that gives up."""

    async def drop(self, ids: Sequence[int], by: str, now: float) -> int:
        """Give up these deliveries, where they wait or are dead; answers how many. `by` says who did, and is kept.

        The lane goes on. One that is on its way is delivered all the same if it arrives.
        """
        async with self.database.transaction() as db:
            return await _drop(db, ids, by, now)

    async def drop_owed(self, endpoint: str, phases: Sequence[Phase], by: str, now: float, most: int = 500) -> int:
        """The same of all to an endpoint that wait or are dead, `most` at once: to be repeated until it answers 0.

        The newest go first, so that no lane goes on with what is about to be dropped. Raises `UnknownNameError`, and
        `ValueError` for a phase in which nothing is owed.
        """
        if not phases or not set(phases) <= set(OWED):
            raise ValueError(f"only what is owed can be given up: choose from {', '.join(OWED)}")
        parameters = {"endpoint": self.number(endpoint), "phases": json.dumps(phases), "most": most}
        async with self.database.transaction() as db:
            found = await db.execute_fetchall(NEWEST, parameters)
            return await _drop(db, [row[0] for row in found], by, now)


async def _drop(db: aiosqlite.Connection, ids: Sequence[int], by: str, now: float) -> int:
    dropped = list(await db.execute_fetchall(DROP, {"ids": json.dumps(ids), "by": by, "now": now}))
    lanes = [{"endpoint": endpoint, "lane": lane} for endpoint, lane in dropped if lane is not None]
    await db.executemany(PROMOTE, lanes)
    return len(dropped)
