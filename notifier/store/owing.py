"""event × endpoints → the rows by which it is owed: what every part of the store stands on."""

import json
import sqlite3
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from notifier.core import callbacks
from notifier.core.budget import Budget
from notifier.core.events import formats
from notifier.core.model import Endpoint, Event, Order
from notifier.store.bell import Bell
from notifier.store.database import Database, number_of
from notifier.store.errors import OtherProviderError

DELIVERY = """INSERT INTO deliveries (event, endpoint, lane, sequence, created_at, due_at, format, head)
    SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7,
        NOT EXISTS (SELECT 1 FROM deliveries WHERE endpoint = ?2 AND lane = ?3 AND head = 1)"""
PROMOTE = """UPDATE deliveries SET head = 1 WHERE head = 0 AND id = (
    SELECT id FROM deliveries WHERE endpoint = ?1 AND lane = ?2 AND phase = 'waiting'
    ORDER BY sequence, id LIMIT 1)"""
"""Let the first waiting delivery of a lane go; nothing where there is none, or it may go already."""
ENROL_SOURCE = """INSERT INTO sources (name, provider) VALUES (?, ?)
    ON CONFLICT DO UPDATE SET provider = excluded.provider"""
OF_ANOTHER = """SELECT number, provider,
        EXISTS (SELECT 1 FROM uploads AS u WHERE u.source = number AND (u.snapshot IS NOT NULL OR u.sequence > 0))
    FROM sources WHERE name = ? AND provider <> ?"""
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
        self._noted: dict[str, Budget] = {}
        """By credential: what was written last of what is used of it."""
        self.announced = Bell()
        """Rung after each transaction that announces events."""

    async def enrol(self, sources: Mapping[str, str], endpoints: Iterable[str]) -> None:
        """Give every source and endpoint of the config its number; `sources` has the provider of each by its name.

        Raises `OtherProviderError`.
        """
        self._sources, self._endpoints, self.has_callbacks = await self.database.write(
            _enrol, list(sources.items()), [(name,) for name in endpoints]
        )
        self._noted.clear()  # what another provider said of its limit is there no more

    def number(self, endpoint: str) -> int:
        """The number of an endpoint, be it that the config names it no more; raises `UnknownNameError`.

        That of a callback is told by its name, whether there is one or not.
        """
        if (number := self._endpoints.get(endpoint) or callbacks.number_of(endpoint)) is not None:
            return number
        return number_of(self._endpoints, "endpoint", endpoint)

    def source_number(self, source: str) -> int:
        """The same of a source."""
        return number_of(self._sources, "source", source)

    def _owe(
        self, db: sqlite3.Connection, source: int | None, event: Event, endpoints: Sequence[Endpoint]
    ) -> Counter[str]:
        """Owe an event to endpoints; answers how many deliveries it replaced at each."""
        superseded: Counter[str] = Counter()
        about = None if event.endpoint is None else self.number(event.endpoint)
        position = db.execute(
            """INSERT INTO events (id, type, source, endpoint, upload, lane, sequence, status, at, body, tasks)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)""",
            (event.id, event.type, source, about, event.upload, event.lane, event.sequence, event.status, event.at,
             event.body, json.dumps(event.tasks)),
        ).lastrowid  # fmt: skip
        for name, body in event.renderings.items():
            db.execute("INSERT INTO renderings (event, format, body) VALUES (?, ?, ?)", (position, name, body))
        rows = []
        for endpoint in endpoints:
            number = self.number(endpoint.name)
            lane = None if endpoint.order is Order.NONE else event.lane
            if endpoint.order is Order.LATEST:
                superseded[callbacks.family(endpoint.name)] += _supersede(db, number, event, position)
            due_at = event.at + endpoint.schedule[0]
            told = (position, number, lane, event.sequence, event.at, due_at)
            rows += [(*told, format_) for format_ in formats(endpoint, event)]
        db.executemany(DELIVERY, rows)
        return superseded


def _supersede(db: sqlite3.Connection, endpoint: int, event: Event, position: int | None) -> int:
    """A newer status replaces every older waiting delivery of its lane; a newer detail only older details.

    Answers how many.
    """
    if event.type == "upload.stalled" or not event.type.startswith("upload."):
        return 0
    only = "AND (SELECT type FROM events WHERE position = event) = 'upload.updated'"
    replaced = db.execute(
        f"""UPDATE deliveries SET phase = 'superseded', due_at = NULL, head = 0, settled_at = ?, replaced_by = ?
            WHERE endpoint = ? AND lane = ? AND phase = 'waiting' {only if event.type == "upload.updated" else ""}""",  # noqa: S608  # our own words
        (event.at, position, endpoint, event.lane),
    ).rowcount
    db.execute(PROMOTE, (endpoint, event.lane))
    return replaced


def _enrol(
    db: sqlite3.Connection, sources: Sequence[tuple[str, str]], endpoints: Sequence[tuple[str]]
) -> tuple[dict[str, int], dict[str, int], bool]:
    """The numbers of all sources and endpoints that ever were, and whether there are callbacks."""
    for source in sources:
        _make_way(db, *source)
    db.executemany(ENROL_SOURCE, sources)
    db.executemany(ENROL_ENDPOINT, endpoints)
    return (
        dict(db.execute("SELECT name, number FROM sources")),
        dict(db.execute("SELECT name, number FROM endpoints WHERE number > 0")),
        bool(db.execute("SELECT 1 FROM endpoints WHERE number < 0 LIMIT 1").fetchall()),
    )


def _make_way(db: sqlite3.Connection, name: str, provider: str) -> None:
    """Forget how far lists were read at another provider that a source had before, and what that said of its limit.

    As long as nothing was seen there: what was, would be asked for at this one, and denied by it.
    """
    for number, before, is_seen in db.execute(OF_ANOTHER, (name, provider)).fetchall():
        if is_seen:
            raise OtherProviderError(name, before, provider)
        db.execute("DELETE FROM listings WHERE source = ?", (number,))
        db.execute("DELETE FROM budgets WHERE name = ?", (name,))
        db.execute("UPDATE sources SET hold_until = 0 WHERE number = ?", (number,))
