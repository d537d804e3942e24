"""What people ask of the store: deliveries page by page, one with its attempts, an event with its own, figures."""

import json
from collections.abc import Iterable
from dataclasses import replace
from typing import Any, NamedTuple

from notifier.core.model import Attempt, Cause, Event, Outcome, Phase
from notifier.store.owing import Owing
from notifier.store.rows import Page

DELIVERY = """SELECT d.id, e.id, e.type, s.name, e.upload, n.name, d.sequence, d.phase, d.due_at, d.slots, d.attempts,
        d.created_at, d.settled_at, r.id, d.cause, d.dropped_by, d.replay, a.outcome, a.note, d.head, o.name
    FROM {}
    JOIN events AS e ON e.position = d.event
    LEFT JOIN sources AS s ON s.number = e.source
    JOIN endpoints AS n ON n.number = d.endpoint
    LEFT JOIN events AS r ON r.position = d.replaced_by
    LEFT JOIN attempts AS a ON a.delivery = d.id AND a.number = d.attempts
    LEFT JOIN endpoints AS o ON o.number = e.endpoint"""
NEWEST = """json_each(:endpoints) AS w JOIN json_each(:phases) AS p JOIN deliveries AS d ON d.id IN (
        SELECT id FROM deliveries WHERE endpoint = w.value AND phase = p.value AND id < :before
        ORDER BY id DESC LIMIT :most)"""
CALLED = """json_each(:phases) AS p JOIN deliveries AS d ON d.id IN (
        SELECT id FROM deliveries WHERE endpoint < 0 AND phase = p.value AND id < :before
        ORDER BY id DESC LIMIT :most)"""
"""The newest of all callbacks."""
LISTED = DELIVERY.format(NEWEST) + " ORDER BY d.id DESC LIMIT :most"
CALLS = DELIVERY.format(CALLED) + " ORDER BY d.id DESC LIMIT :most"
ONE = DELIVERY.format("deliveries AS d") + " WHERE d.id = ?"
OF_EVENT = DELIVERY.format("deliveries AS d") + " WHERE d.event = ? ORDER BY d.endpoint"
ATTEMPTS = """SELECT a.delivery, a.number, a.started_at, a.duration, a.phases, a.outcome, a.status, a.note, a.excerpt
    FROM json_each(?) AS w JOIN attempts AS a ON a.delivery = w.value ORDER BY a.delivery, a.number"""
EVENT = """SELECT e.position, e.id, e.type, s.name, n.name, e.upload, e.sequence, e.status, e.at{}
    FROM {}
    LEFT JOIN sources AS s ON s.number = e.source
    LEFT JOIN endpoints AS n ON n.number = e.endpoint"""
ONE_EVENT = EVENT.format(", e.body", "events AS e") + " WHERE e.id = ?"
AS_ANNOUNCED = """SELECT e.id, e.type, e.at, s.name, e.lane, e.sequence, e.status, e.body, e.upload, e.tasks
    FROM events AS e JOIN sources AS s ON s.number = e.source
    WHERE e.lane = :lane AND e.id = coalesce(:id, e.id) ORDER BY e.sequence DESC LIMIT 1"""
FLOOR = "SELECT position FROM events WHERE position < ? ORDER BY position DESC LIMIT 1 OFFSET ?"
ANNOUNCED = (
    EVENT.format("", "events AS e")
    + """ WHERE e.position < :before AND e.position >= :floor AND e.type GLOB :type
        AND e.source IS coalesce(:source, e.source)
    ORDER BY e.position DESC LIMIT :most"""
)
NEWEST_EVENT = "SELECT coalesce(max(position), 0) FROM events"
REACH = "SELECT max(position) FROM (SELECT position FROM events WHERE position > ? ORDER BY position LIMIT ?)"
FOLLOWING = (
    EVENT.format(", e.body", "events AS e")
    + """ WHERE e.position > :after AND e.position <= :reach AND e.type GLOB :type
        AND e.source IS coalesce(:source, e.source)
    ORDER BY e.position LIMIT :most"""
)
OF_UPLOAD = (
    EVENT.format(
        "",
        """json_each(:sources) AS w
    JOIN uploads AS u ON u.source = w.value AND u.id = :upload
    JOIN events AS e ON e.lane = u.media_id""",
    )
    + " WHERE e.position < :before AND e.type GLOB :type ORDER BY e.position DESC LIMIT :most"
)
LOOKED_AT = 10_000
"""Events that are looked at for one page, at most: those that do not match cost time too."""
NEWEST_OF_ALL = 1 << 62
WAITING = """SELECT n.name,
        (SELECT count(*) FROM deliveries WHERE endpoint = n.number AND phase = 'waiting'),
        (SELECT count(*) FROM deliveries WHERE endpoint = n.number AND phase = 'dead'),
        (SELECT min(due_at) FROM deliveries WHERE endpoint = n.number AND head = 1),
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
    outcome: Outcome | None
    """Of its last attempt; None where there was none."""
    note: str | None
    """What is said of that."""
    is_head: bool
    """Whether it waits, and none of its lane goes before it."""
    about: str | None
    """The endpoint that the event is about."""


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
    endpoint: str | None
    """Which it is about."""
    upload: str | None
    sequence: int
    status: str | None
    at: float


class Queue(NamedTuple):
    """What is owed to an endpoint."""

    endpoint: str
    waiting: int
    dead: int
    oldest: float | None
    """Since when the oldest that waits is owed: its announcement, or the replay by which it was owed again."""
    due_at: float | None = None
    """When the first that may go is due."""


class Figures(NamedTuple):
    """How large it all is."""

    size: int
    """Bytes of the database, without what has not been written back to it yet."""
    free: int
    """Bytes of it that hold nothing any more."""
    queues: list[Queue]


class History(Owing):
    """The part of the store that tells what happened."""

    async def deliveries(
        self,
        endpoint: str | None = None,
        phase: Phase | None = None,
        before: int | None = None,
        most: int = 100,
    ) -> Page[DeliveryRow]:
        """At most `most` deliveries, of all endpoints and phases or of one, older than `before`.

        Raises `UnknownNameError`.
        """
        numbers = list(self._endpoints.values()) if endpoint is None else [self.number(endpoint)]
        parameters = {
            "endpoints": json.dumps(numbers),
            "phases": json.dumps(list(Phase) if phase is None else [phase]),
            "before": NEWEST_OF_ALL if before is None else before,
            "most": most + 1,
        }
        rows = await self.database.rows(LISTED, parameters)
        if endpoint is None and self.has_callbacks:
            rows += await self.database.rows(CALLS, {**parameters, "endpoints": None})
        found = sorted(map(_delivery_of, rows), reverse=True)[: most + 1]
        return Page(found[:most], found[most - 1].id if len(found) > most else None)

    async def delivery(self, id_: int) -> tuple[DeliveryRow, list[Tried]] | None:
        """A delivery with all its attempts, the first one first; None where there is none, or none any more."""
        rows = await self.database.rows(ONE, (id_,))
        return (_delivery_of(rows[0]), (await self.tried([id_]))[id_]) if rows else None

    async def tried(self, deliveries: Iterable[int]) -> dict[int, list[Tried]]:
        """All attempts at each of these deliveries, the first one first."""
        found: dict[int, list[Tried]] = {id_: [] for id_ in deliveries}
        for row in await self.database.rows(ATTEMPTS, (json.dumps(list(found)),)):
            id_, number, started_at, duration, phases, outcome, *rest = row
            attempt = Attempt(started_at, duration, Outcome(outcome), *rest)._replace(phases=json.loads(phases))
            found[id_].append(Tried(number, attempt))
        return found

    async def event(self, id_: str) -> tuple[EventRow, bytes, list[DeliveryRow]] | None:
        """An event with its body and its deliveries; None where there is none, or none any more."""
        rows = await self.database.rows(ONE_EVENT, (id_,))
        if not rows:
            return None
        *columns, body = rows[0]
        event = EventRow(*columns)
        return event, body, [_delivery_of(row) for row in await self.database.rows(OF_EVENT, (event.position,))]

    async def event_of(self, media_id: int, id_: str | None = None) -> Event | None:
        """An event of an upload as it was announced, by its id or the last one; None where there is none any more."""
        for *columns, tasks in await self.database.rows(AS_ANNOUNCED, {"lane": media_id, "id": id_}):
            return replace(Event(*columns), tasks=tuple(json.loads(tasks)))
        return None

    async def events(
        self,
        type_: str = "*",
        source: str | None = None,
        upload: str | None = None,
        before: int | None = None,
        most: int = 100,
        looked_at: int = LOOKED_AT,
    ) -> Page[EventRow]:
        """At most `most` events, all or those of a type, with `*` for anything, of a source or an upload.

        They are older than the position `before`. A page may hold fewer although others follow: no more events than
        `looked_at` are looked at for it. Raises `UnknownNameError`.
        """
        number = None if source is None else self.source_number(source)
        before = NEWEST_OF_ALL if before is None else before
        parameters: dict[str, Any] = {"before": before, "type": type_, "most": most + 1}
        lower = None
        if upload is not None:
            numbers = list(self._sources.values()) if number is None else [number]
            rows = await self.database.rows(OF_UPLOAD, parameters | {"upload": upload, "sources": json.dumps(numbers)})
        else:
            lower = next(iter(await self.database.rows(FLOOR, (before, looked_at - 1))), (None,))[0]
            rows = await self.database.rows(ANNOUNCED, parameters | {"source": number, "floor": lower or 0})
        found = [EventRow(*row) for row in rows]
        return Page(found[:most], found[most - 1].position if len(found) > most else lower)

    async def newest(self) -> int:
        """The position of the event that was announced last; 0 where there is none."""
        ((position,),) = await self.database.rows(NEWEST_EVENT)
        return int(position)

    async def events_after(
        self, after: int, type_: str = "*", source: str | None = None, most: int = 100, looked_at: int = LOOKED_AT
    ) -> tuple[list[tuple[EventRow, bytes]], int]:
        """At most `most` events with their bodies, the oldest first, that come after a position in the log.

        And the position up to which there are no others: from there it goes on, until that does not grow. No more
        events than `looked_at` are looked at. Raises `UnknownNameError`.
        """
        number = None if source is None else self.source_number(source)
        ((reach,),) = await self.database.rows(REACH, (after, looked_at))
        if reach is None:
            return [], after
        parameters = {"after": after, "reach": reach, "type": type_, "source": number, "most": most}
        found = [(EventRow(*row[:-1]), row[-1]) for row in await self.database.rows(FOLLOWING, parameters)]
        return found, found[-1][0].position if len(found) == most else reach

    async def figures(self) -> Figures:
        """How large the database is, and what is owed to each endpoint, to those too that left the config."""
        ((size, free),) = await self.database.rows(SIZE)
        return Figures(size, free, await self.queues())

    async def queues(self, endpoint: str | None = None) -> list[Queue]:
        """What is owed to each endpoint, also to those that left the config, or to one; raises `UnknownNameError`."""
        numbers = list(self._endpoints.values()) if endpoint is None else [self.number(endpoint)]
        return [queue_of(row) for row in await self.database.rows(WAITING, {"endpoints": json.dumps(numbers)})]


def _delivery_of(row: Any) -> DeliveryRow:
    one = DeliveryRow(*row)
    return one._replace(
        phase=Phase(one.phase),
        cause=None if one.cause is None else Cause(one.cause),
        outcome=None if one.outcome is None else Outcome(one.outcome),
        is_head=bool(one.is_head),
    )


def queue_of(row: Any) -> Queue:
    """A queue from a row of `WAITING`."""
    name, waiting, dead, due_at, *since = row
    return Queue(name, waiting, dead, min((moment for moment in since if moment is not None), default=None), due_at)
