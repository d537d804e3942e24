"""What people ask of the store: deliveries page by page, one with its attempts, an event with its own, figures."""

import json
from dataclasses import replace
from typing import Any, NamedTuple

from notifier.core.model import Attempt, Cause, Outcome, Phase
from notifier.store.followed import Followed

DELIVERY = """SELECT d.id, e.id, e.type, s.name, e.upload, n.name, d.sequence, d.phase, d.due_at, d.slots, d.attempts,
        d.created_at, d.settled_at, r.id, d.cause, d.dropped_by, d.replay
    FROM {}
    JOIN events AS e ON e.position = d.event
    LEFT JOIN sources AS s ON s.number = e.source
    JOIN endpoints AS n ON n.number = d.endpoint
    LEFT JOIN events AS r ON r.position = d.replaced_by"""
NEWEST = """json_each(:endpoints) AS w JOIN json_each(:phases) AS p JOIN deliveries AS d ON d.id IN (
        SELECT id FROM deliveries WHERE endpoint = w.value AND phase = p.value AND id < :before
        ORDER BY id DESC LIMIT :most)"""
LISTED = DELIVERY.format(NEWEST) + " ORDER BY d.id DESC LIMIT :most"
ONE = DELIVERY.format("deliveries AS d") + " WHERE d.id = ?"
OF_EVENT = DELIVERY.format("deliveries AS d") + " WHERE d.event = ? ORDER BY d.endpoint"
ATTEMPTS = """SELECT number, started_at, duration, phases, outcome, status, note, excerpt FROM attempts
    WHERE delivery = ? ORDER BY number"""
EVENT = """SELECT e.position, e.id, e.type, s.name, e.upload, e.sequence, e.status, e.at, e.body
    FROM events AS e LEFT JOIN sources AS s ON s.number = e.source WHERE e.id = ?"""
WAITING = """SELECT n.name,
        (SELECT count(*) FROM deliveries WHERE endpoint = n.number AND phase = 'waiting'),
        (SELECT count(*) FROM deliveries WHERE endpoint = n.number AND phase = 'dead'),
        (SELECT created_at FROM deliveries WHERE endpoint = n.number AND phase = 'waiting' AND replay IS NULL
            ORDER BY id LIMIT 1),
        (SELECT r.created_at FROM deliveries AS d JOIN replays AS r ON r.id = d.replay
            WHERE d.endpoint = n.number AND d.phase = 'waiting' AND d.replay IS NOT NULL ORDER BY d.replay LIMIT 1)
    FROM json_each(:endpoints) AS w JOIN endpoints AS n ON n.number = w.value ORDER BY w.id"""
SIZE = """SELECT p.page_count * s.page_size, f.freelist_count * s.page_size
    FROM pragma_page_count AS p, pragma_page_size AS s, pragma_freelist_count AS f"""


class DeliveryRow(NamedTuple):
    """A delivery as it stands."""

    id: int
    event: str
    type: str
    source: str | None
    """None where it is about an endpoint."""
    upload: str | None
    endpoint: str
    sequence: int
    phase: Phase
    due_at: float | None
    slots: int
    attempts: int
    created_at: float
    settled_at: float | None
    replaced_by: str | None
    """The event for which it was given up."""
    cause: Cause | None
    """Why it is dead, or was dropped by nobody."""
    dropped_by: str | None
    """Who gave it up."""
    replay: int | None
    """The last replay by which it was owed again."""


class Page(NamedTuple):
    """Some deliveries, the newest first."""

    deliveries: list[DeliveryRow]
    next: int | None
    """What to give as `before` for those that follow; None: there are none."""


class Tried(NamedTuple):
    """An attempt, and which one of its delivery it was, from 1."""

    number: int
    attempt: Attempt


class EventRow(NamedTuple):
    """An event as it was announced."""

    position: int
    """In the log of all events."""
    id: str
    type: str
    source: str | None
    """None where it is about an endpoint."""
    upload: str | None
    sequence: int
    status: str | None
    at: float
    body: bytes


class Queue(NamedTuple):
    """What is owed to an endpoint."""

    endpoint: str
    waiting: int
    dead: int
    oldest: float | None
    """Since when the oldest that waits is owed: its announcement, or the replay by which it was owed again."""


class Figures(NamedTuple):
    """How large it all is."""

    size: int
    """Bytes of the database, without what has not been written back to it yet."""
    free: int
    """Bytes of it that hold nothing any more."""
    queues: list[Queue]


class History(Followed):
    """The part of the store that tells what happened."""

    async def deliveries(
        self,
        endpoint: str | None = None,
        phase: Phase | None = None,
        before: int | None = None,
        most: int = 100,
    ) -> Page:
        """At most `most` deliveries, of all endpoints and phases or of one, older than `before`.

        Raises `UnknownNameError`.
        """
        numbers = list(self._endpoints.values()) if endpoint is None else [self.number(endpoint)]
        parameters = {
            "endpoints": json.dumps(numbers),
            "phases": json.dumps(list(Phase) if phase is None else [phase]),
            "before": 1 << 62 if before is None else before,
            "most": most + 1,
        }
        found = [_delivery_of(row) for row in await self.database.rows(LISTED, parameters)]
        return Page(found[:most], found[most - 1].id if len(found) > most else None)

    async def delivery(self, id_: int) -> tuple[DeliveryRow, list[Tried]] | None:
        """A delivery with all its attempts, the first one first; None where there is none, or none any more."""
        rows = await self.database.rows(ONE, (id_,))
        if not rows:
            return None
        tried = [
            Tried(number, replace(Attempt(started_at, duration, Outcome(outcome), *rest), phases=json.loads(phases)))
            for number, started_at, duration, phases, outcome, *rest in await self.database.rows(ATTEMPTS, (id_,))
        ]
        return _delivery_of(rows[0]), tried

    async def event(self, id_: str) -> tuple[EventRow, list[DeliveryRow]] | None:
        """An event with its deliveries; None where there is none, or none any more."""
        rows = await self.database.rows(EVENT, (id_,))
        if not rows:
            return None
        event = EventRow(*rows[0])
        return event, [_delivery_of(row) for row in await self.database.rows(OF_EVENT, (event.position,))]

    async def figures(self) -> Figures:
        """How large the database is, and what is owed to each endpoint, to those too that left the config."""
        ((size, free),) = await self.database.rows(SIZE)
        return Figures(size, free, await self.queues())

    async def queues(self, endpoint: str | None = None) -> list[Queue]:
        """What is owed to each endpoint, also to those that left the config, or to one; raises `UnknownNameError`."""
        numbers = list(self._endpoints.values()) if endpoint is None else [self.number(endpoint)]
        return [_queue_of(row) for row in await self.database.rows(WAITING, {"endpoints": json.dumps(numbers)})]


def _delivery_of(row: Any) -> DeliveryRow:
    one = DeliveryRow(*row)
    return one._replace(phase=Phase(one.phase), cause=None if one.cause is None else Cause(one.cause))


def _queue_of(row: Any) -> Queue:
    name, waiting, dead, *since = row
    return Queue(name, waiting, dead, min((moment for moment in since if moment is not None), default=None))
