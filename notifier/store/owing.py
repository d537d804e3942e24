"""event × endpoints → the rows by which it is owed: what every part of the store stands on."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import aiosqlite

from notifier.core import callbacks
from notifier.core.events import formats
from notifier.core.model import Endpoint, Event, Order
from notifier.store.bell import Bell
from notifier.store.database import Database, number_of

DELIVERY = """INSERT INTO deliveries (event, endpoint, lane, sequence, created_at, due_at, format, head)
    SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7,
        NOT EXISTS (SELECT 1 FROM deliveries WHERE endpoint = ?2 AND lane = ?3 AND head = 1)"""
PROMOTE = """UPDATE deliveries SET head = 1 WHERE head = 0 AND id = (
    SELECT id FROM deliveries WHERE endpoint = :endpoint AND lane = :lane AND phase = 'waiting'
    ORDER BY sequence, id LIMIT 1)"""
"""Let the first waiting delivery of a lane go; nothing where there is none, or it may go already."""
ENROL_SOURCE = """INSERT INTO sources (name, provider) VALUES (?, ?)
    ON CONFLICT DO UPDATE SET provider = excluded.provider"""
ENROL_ENDPOINT = "INSERT INTO endpoints (name) VALUES (?) ON CONFLICT DO NOTHING"


class Owing:
    """Who has which number in the database, and what it is to be owed something."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self._sources: dict[str, int] = {}
        self._endpoints: dict[str, int] = {}
        """Those of the config, and those that left it; callbacks are not among them."""
        self.has_callbacks = False
        """Whether there may be any."""
        self.superseded: Counter[str] = Counter()
        """How many deliveries to each endpoint, or to all callbacks, were replaced since the database was opened."""
        self.dropped: Counter[str] = Counter()
        """How many were given up by a person."""
        self.announced = Bell()
        """Rung after each transaction that announces events."""

    async def enrol(self, sources: Mapping[str, str], endpoints: Iterable[str]) -> None:
        """Give every source and endpoint of the config its number; `sources` has the provider of each by its name."""
        async with self.database.transaction() as db:
            await db.executemany(ENROL_SOURCE, sources.items())
            await db.executemany(ENROL_ENDPOINT, [(name,) for name in endpoints])
            self._sources |= await _numbers(db, "SELECT name, number FROM sources")
            self._endpoints |= await _numbers(db, "SELECT name, number FROM endpoints WHERE number > 0")
            self.has_callbacks = bool(await db.execute_fetchall("SELECT 1 FROM endpoints WHERE number < 0 LIMIT 1"))

    def number(self, endpoint: str) -> int:
        """The number of an endpoint, be it that the config names it no more; raises `UnknownNameError`.

        That of a callback is told by its name, whether there is one or not.
        """
        if (callback := callbacks.number_of(endpoint)) is not None:
            return callback
        return number_of(self._endpoints, "endpoint", endpoint)

    def source_number(self, source: str) -> int:
        """The same of a source."""
        return number_of(self._sources, "source", source)

    async def _owe(
        self, db: aiosqlite.Connection, source: int | None, event: Event, endpoints: Sequence[Endpoint]
    ) -> Counter[str]:
        """Owe an event to endpoints; answers how many deliveries it replaced at each."""
        superseded: Counter[str] = Counter()
        about = None if event.endpoint is None else self.number(event.endpoint)
        async with db.execute(
            """INSERT INTO events (id, type, source, endpoint, upload, lane, sequence, status, at, body, tasks)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)""",
            (event.id, event.type, source, about, event.upload, event.lane, event.sequence, event.status, event.at,
             event.body, json.dumps(event.tasks)),
        ) as cursor:  # fmt: skip
            position = cursor.lastrowid
        for name, body in event.renderings.items():
            await db.execute("INSERT INTO renderings (event, format, body) VALUES (?, ?, ?)", (position, name, body))
        for endpoint in endpoints:
            number = self.number(endpoint.name)
            lane = None if endpoint.order is Order.NONE else event.lane
            if endpoint.order is Order.LATEST:
                superseded[callbacks.family(endpoint.name)] += await _supersede(db, number, event, position)
            due_at = event.at + endpoint.schedule[0]
            for format_ in formats(endpoint, event):
                row = (position, number, lane, event.sequence, event.at, due_at, format_)
                await db.execute(DELIVERY, row)
        return superseded


async def _supersede(db: aiosqlite.Connection, endpoint: int, event: Event, position: int | None) -> int:
    """A newer status replaces every older waiting delivery of its lane; a newer detail only older details.

    Answers how many.
    """
    if event.type == "upload.stalled" or not event.type.startswith("upload."):
        return 0
    only = "AND (SELECT type FROM events WHERE position = event) = 'upload.updated'"
    async with db.execute(
        f"""UPDATE deliveries SET phase = 'superseded', due_at = NULL, head = 0, settled_at = ?, replaced_by = ?
            WHERE endpoint = ? AND lane = ? AND phase = 'waiting' {only if event.type == "upload.updated" else ""}""",  # noqa: S608  # our own words
        (event.at, position, endpoint, event.lane),
    ) as cursor:
        replaced = cursor.rowcount
    await db.execute(PROMOTE, {"endpoint": endpoint, "lane": event.lane})
    return replaced


async def _numbers(db: aiosqlite.Connection, sql: str) -> dict[str, int]:
    return {row[0]: row[1] for row in await db.execute_fetchall(sql)}
