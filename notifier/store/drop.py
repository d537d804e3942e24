"""What is given up: a delivery that waits, or is dead, is owed no more. Its row and its attempts stay.

So are those dead, until they are replayed, whose endpoint left the config long ago.
"""

import json
import sqlite3
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from notifier.core import callbacks
from notifier.core.model import Phase
from notifier.store.owing import PROMOTE, Owing

OWED = (Phase.WAITING, Phase.DEAD)
DROP = """UPDATE deliveries SET phase = 'dropped', due_at = NULL, head = 0, settled_at = :now, dropped_by = :by
    WHERE id IN (SELECT value FROM json_each(:ids)) AND phase IN ('waiting', 'dead') RETURNING endpoint, lane"""
NEWEST = """SELECT d.id FROM json_each(:phases) AS p
    JOIN deliveries AS d ON d.id IN (
        SELECT id FROM deliveries WHERE endpoint = :endpoint AND phase = p.value ORDER BY id DESC LIMIT :most)
    ORDER BY d.id DESC LIMIT :most"""


LEFT = """SELECT d.id, n.name FROM endpoints AS n
    JOIN deliveries AS d ON d.id IN (
        SELECT id FROM deliveries WHERE endpoint = n.number AND phase = 'waiting' ORDER BY id DESC LIMIT :most)
    WHERE n.left_at < :before ORDER BY d.id DESC LIMIT :most"""
BURY = """UPDATE deliveries SET phase = 'dead', due_at = NULL, head = 0, settled_at = :now, cause = 'left'
    WHERE id IN (SELECT value FROM json_each(:ids)) RETURNING endpoint, lane"""


class Dropping(Owing):
    """The part of the store that gives up."""

    async def drop(self, ids: Sequence[int], by: str, now: float) -> int:
        """Give up these deliveries, where they wait or are dead; answers how many. `by` says who did, and is kept.

        The lane goes on. One that is on its way is delivered all the same if it arrives.
        """
        return self._count(await self.database.write(_drop, ids, by, now))

    async def drop_owed(self, endpoint: str, phases: Sequence[Phase], by: str, now: float, most: int = 500) -> int:
        """The same of all to an endpoint that wait or are dead, `most` at once: to be repeated until it answers 0.

        The newest go first, so that no lane goes on with what is about to be dropped. Raises `UnknownNameError`, and
        `ValueError` for a phase in which nothing is owed.
        """
        if not phases or not set(phases) <= set(OWED):
            raise ValueError(f"only what is owed can be given up: choose from {', '.join(OWED)}")
        parameters = {"endpoint": self.number(endpoint), "phases": json.dumps(phases), "most": most}
        return self._count(await self.database.write(_drop_newest, parameters, by, now))

    def _count(self, dropped: Counter[int]) -> int:
        """Once it is committed."""
        names = {number: name for name, number in self._endpoints.items()}
        for number, count in dropped.items():
            self.dropped[names.get(number, callbacks.ALL)] += count
        return dropped.total()

    async def bury_left(self, before: float, now: float, most: int) -> Counter[str]:
        """Let what waits for endpoints that left the config before a moment be dead, `most` at once, the newest first.

        Answers how many of each: to be repeated until there is none. Should one be named again meanwhile, its lanes are
        in order.
        """
        return await self.database.write(_bury, before, now, most)


def _drop(db: sqlite3.Connection, ids: Sequence[int], by: str, now: float) -> Counter[int]:
    """How many of each endpoint, by its number."""
    dropped = db.execute(DROP, {"ids": json.dumps(ids), "by": by, "now": now}).fetchall()
    _promote(db, dropped)
    return Counter(endpoint for endpoint, _ in dropped)


def _drop_newest(db: sqlite3.Connection, parameters: Mapping[str, Any], by: str, now: float) -> Counter[int]:
    return _drop(db, [id_ for (id_,) in db.execute(NEWEST, parameters)], by, now)


def _bury(db: sqlite3.Connection, before: float, now: float, most: int) -> Counter[str]:
    """How many of each endpoint, by its name."""
    found = db.execute(LEFT, {"before": before, "most": most}).fetchall()
    ids = json.dumps([id_ for id_, _ in found])
    _promote(db, db.execute(BURY, {"ids": ids, "now": now}).fetchall())
    return Counter(name for _, name in found)


def _promote(db: sqlite3.Connection, over: Iterable[Any]) -> None:
    """Let the lanes of these go on."""
    db.executemany(PROMOTE, [(endpoint, lane) for endpoint, lane in over if lane is not None])
