"""Callbacks: which ones something is due for, how they fare, which are asked for no more.

There may be one for every upload, so none is looked at but for a reason. Their numbers are below 0.
"""

import json
import sqlite3
from collections.abc import Collection
from typing import Any, NamedTuple

from notifier.core.callbacks import ALL, number_of
from notifier.core.health import Health
from notifier.core.model import Callback
from notifier.store.errors import UnknownNameError
from notifier.store.followed import Followed
from notifier.store.history import WAITING, Queue, queue_of
from notifier.store.rows import HEALTH_COLUMNS, health_of

ROW = f"n.url, n.format, n.number, n.tat, {HEALTH_COLUMNS}"
OPENS = "max(n.quiet_until, coalesce(n.probe_at, 0))"
CALLED = f"""SELECT {ROW}
    FROM (SELECT n.number, d.due_at,
            row_number() OVER (PARTITION BY n.origin ORDER BY n.tat > :tat, d.due_at) AS turn
        FROM (SELECT endpoint, min(due_at) AS due_at FROM deliveries INDEXED BY deliveries_called
            WHERE head = 1 AND endpoint < 0 AND due_at <= :now GROUP BY endpoint) AS d
        JOIN endpoints AS n ON n.number = d.endpoint
        WHERE (n.paused IS NULL OR n.probe_at IS NOT NULL) AND {OPENS} <= :now
            AND n.format IN (SELECT value FROM json_each(:formats))
            AND n.number NOT IN (SELECT value FROM json_each(:busy))
            AND n.origin NOT IN (SELECT value FROM json_each(:full))) AS c
    JOIN endpoints AS n ON n.number = c.number
    WHERE c.turn <= :each ORDER BY c.turn, c.due_at LIMIT :most"""  # noqa: S608  # our own words
LATER = f"""SELECT min(at), EXISTS (SELECT 1 FROM deliveries WHERE head = 1 AND endpoint < 0 AND due_at <= :now) FROM (
    SELECT min(due_at) AS at FROM deliveries WHERE head = 1 AND endpoint < 0 AND due_at > :now
    UNION ALL
    SELECT * FROM (SELECT {OPENS} FROM endpoints AS n INDEXED BY endpoints_shut
        WHERE number < 0 AND (probe_at IS NOT NULL OR quiet_until > 0) AND {OPENS} > :now
            AND (paused IS NULL OR probe_at IS NOT NULL)
        ORDER BY {OPENS} LIMIT 1))"""  # noqa: S608  # our own words
ONE = f"SELECT {ROW} FROM endpoints AS n WHERE n.number = ?"  # noqa: S608  # our own words
SHUT = """SELECT name FROM endpoints INDEXED BY endpoints_shut
    WHERE number < 0 AND (probe_at IS NOT NULL OR quiet_until > 0)"""
UNPERMITTED = "SELECT url, format, number FROM endpoints WHERE number < 0 AND paused = 'unpermitted'"
QUEUE = """SELECT (SELECT count(*) FROM deliveries WHERE endpoint < 0 AND phase = 'waiting'),
    (SELECT count(*) FROM deliveries WHERE endpoint < 0 AND phase = 'dead'),
    (SELECT min(created_at) FROM deliveries WHERE endpoint < 0 AND phase = 'waiting')"""
SOMETHING_WAITS = """WITH RECURSIVE w (endpoint) AS (
        SELECT max(endpoint) FROM deliveries INDEXED BY deliveries_lane WHERE phase = 'waiting' AND endpoint < 0
        UNION ALL
        SELECT (SELECT max(endpoint) FROM deliveries INDEXED BY deliveries_lane
            WHERE phase = 'waiting' AND endpoint < w.endpoint) FROM w WHERE w.endpoint IS NOT NULL LIMIT :most)
    SELECT endpoint FROM w WHERE endpoint IS NOT NULL"""
"""One after the other: to look at all that waits could take long."""
UNUSED = """SELECT number,
        EXISTS (SELECT 1 FROM uploads WHERE callback = n.number)
        OR EXISTS (SELECT 1 FROM deliveries WHERE endpoint = n.number)
        OR EXISTS (SELECT 1 FROM events WHERE endpoint = n.number)
        OR EXISTS (SELECT 1 FROM replays WHERE endpoint = n.number)
    FROM endpoints AS n WHERE number < :after ORDER BY number DESC LIMIT :most"""


class Room(NamedTuple):
    """Which callbacks may be sent to at present, as far as the database does not know it."""

    places: int
    """For so many of them."""
    each: int
    """For so many at one origin."""
    tat: float
    """Those whose theoretical arrival time is later are held up by their rate, and come after others."""
    formats: Collection[str]
    """In these formats."""
    busy: Collection[str] = ()
    """The names of those that need not be found."""
    full: Collection[str] = ()
    """The origins that get nothing more."""


class Called(NamedTuple):
    """A callback, how it fares, and the theoretical arrival time of its rate."""

    callback: Callback
    health: Health
    tat: float


class Wanted(NamedTuple):
    """Which callbacks are to be sent to."""

    found: list[Called]
    later: float | None
    """The moment at which this may be answered otherwise, if nothing is written until then."""
    is_overdue: bool
    """Something is due, be it for one of them or for others."""


class Callbacks(Followed):
    """The part of the store that knows whom registrations asked to be told."""

    async def called(self, now: float, room: Room) -> Wanted:
        """The callbacks that something is due for and that may be sent to: of each origin the longest due, in turns.

        However much is due at one origin, the others are found beside it.
        """
        parameters = {
            "now": now,
            "most": room.places,
            "each": room.each,
            "tat": room.tat,
            "formats": json.dumps(list(room.formats)),
            "busy": json.dumps([number_of(name) for name in room.busy]),
            "full": json.dumps(list(room.full)),
        }
        ((later, is_overdue),) = await self.database.rows(LATER, {"now": now})
        found = [_called_of(row) for row in await self.database.rows(CALLED, parameters)]
        return Wanted(found, later, bool(is_overdue))

    async def callback(self, name: str) -> Called:
        """One by its name; raises `UnknownNameError`."""
        for row in await self.database.rows(ONE, (number_of(name),)):
            return _called_of(row)
        raise UnknownNameError(f"no endpoint {name!r}: no callback has this number, or its time is over")

    async def callbacks_shut(self) -> list[str]:
        """The names of those that are sent to only later, or were once."""
        return [row[0] for row in await self.database.rows(SHUT)]

    async def callbacks_unpermitted(self) -> list[Callback]:
        """Those that pause because the config permitted them no more."""
        return [Callback(*row) for row in await self.database.rows(UNPERMITTED)]

    async def callbacks_waiting(self, most: int = 1000) -> list[Queue]:
        """What is owed to each of those that something waits for, at most so many of them."""
        found = await self.database.rows(SOMETHING_WAITS, {"most": most})
        numbers = json.dumps([number for (number,) in found])
        return [queue_of(row) for row in await self.database.rows(WAITING, {"endpoints": numbers})]

    async def callbacks_queue(self) -> Queue:
        """What is owed to all of them together."""
        ((waiting, dead, oldest),) = await self.database.rows(QUEUE)
        return Queue(ALL, waiting, dead, oldest)

    async def prune_callbacks(self, after: int, most: int) -> int | None:
        """Forget callbacks that no upload names any more and nothing is kept of; answers how far it has looked.

        `after` is 0 at first. None: there are no more to look at.
        """
        found = await self.database.write(_prune, after, most)
        return found[-1] if len(found) == most else None


def _prune(db: sqlite3.Connection, after: int, most: int) -> list[int]:
    """The numbers of those that were looked at."""
    found = db.execute(UNUSED, {"after": after, "most": most}).fetchall()
    free = json.dumps([number for number, is_used in found if not is_used])
    db.execute("DELETE FROM endpoints WHERE number IN (SELECT value FROM json_each(?))", (free,))
    return [number for number, _ in found]


def _called_of(row: Any) -> Called:
    url, format_, number, tat, *health = row
    return Called(Callback(url, format_, number), health_of(health), tat)
