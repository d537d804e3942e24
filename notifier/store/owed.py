"""What the sender asks of the store: what may go now, and one transaction for a batch of results."""

import json
import sqlite3
from collections.abc import Collection, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from notifier.core.callbacks import ALL
from notifier.core.events import Notice, endpoint_event
from notifier.core.health import Health
from notifier.core.model import Attempt, Cause, Delivery, Endpoint, Phase
from notifier.core.render import rendered
from notifier.core.retry import Next
from notifier.store.forward import LOWEST, moments, rescheduled
from notifier.store.owing import PROMOTE, Owing
from notifier.store.rows import HEALTH_COLUMNS, health_of, health_row

DUE = """SELECT
        (SELECT MIN(due_at) FROM deliveries WHERE endpoint = w.value AND head = 1 AND due_at > :now),
        d.id, e.id, e.type, n.name, d.lane, d.sequence, d.slots, d.attempts, d.due_at, d.created_at,
        COALESCE(r.body, e.body), s.name, e.upload, e.status, d.format, d.replay
    FROM json_each(:endpoints) AS w
    LEFT JOIN deliveries AS d ON d.id IN (
        SELECT id FROM deliveries WHERE endpoint = w.value AND head = 1 AND due_at <= :now ORDER BY due_at LIMIT :most)
    LEFT JOIN events AS e ON e.position = d.event AND d.id NOT IN (SELECT value FROM json_each(:taken))
    LEFT JOIN renderings AS r ON r.event = e.position AND r.format = d.format
    LEFT JOIN sources AS s ON s.number = e.source
    LEFT JOIN endpoints AS n ON n.number = d.endpoint
    ORDER BY d.due_at, d.id"""
HEADS = """WITH RECURSIVE one (endpoint) AS (
        SELECT min(endpoint) FROM deliveries WHERE head = 1 AND endpoint > 0
        UNION ALL
        SELECT (SELECT min(endpoint) FROM deliveries WHERE head = 1 AND endpoint > one.endpoint) FROM one
            WHERE one.endpoint IS NOT NULL)
    SELECT n.name, (SELECT min(due_at) FROM deliveries WHERE head = 1 AND endpoint = one.endpoint)
    FROM one JOIN endpoints AS n ON n.number = one.endpoint"""
"""From one endpoint to the next that has any: what waits behind its first is not looked through."""
TRIED = """INSERT INTO attempts (delivery, number, started_at, duration, phases, outcome, status, note, excerpt)
    SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9 WHERE EXISTS (SELECT 1 FROM deliveries WHERE id = ?1)"""
"""A row that was given up while its request was on the way may be kept no longer by now."""
SETTLE = """UPDATE deliveries SET phase = ?1, due_at = ?2, slots = ?3, attempts = attempts + 1,
        head = head AND ?1 = 'waiting', settled_at = ?4, replaced_by = NULL, dropped_by = NULL, cause = ?5, blamed = ?6
    WHERE id = ?7 AND ((phase = 'waiting' AND replay IS ?8) OR ?1 = 'delivered')"""
"""A row that was replaced, dropped or owed again while its request was on the way is delivered, or stays as it is."""
COUNT = """UPDATE deliveries SET attempts = attempts + 1
    WHERE id = :id AND (phase IN ('superseded', 'dropped') OR replay IS NOT :replay)"""
"""Such a row, where nothing came of the request: it was an attempt all the same."""
OVERTAKEN = """SELECT w.value->>0 FROM json_each(:some) AS w WHERE NOT EXISTS (
        SELECT 1 FROM deliveries WHERE id = w.value->>0 AND phase = 'waiting' AND replay IS w.value->>1)"""
GIVE_UP = """UPDATE deliveries SET phase = :phase, due_at = NULL, head = 0, settled_at = :at, cause = :cause
    WHERE id = :id AND phase = 'waiting'"""
REVIVE = """UPDATE deliveries INDEXED BY deliveries_tried SET due_at = min(created_at, :now)
    WHERE endpoint = :endpoint AND phase = 'waiting' AND attempts > 0 AND blamed = 0"""
"""What waits for another attempt is due, in the order of its announcement, as what was never tried is anyway."""
MARK_LEFT = """UPDATE endpoints SET left_at = CASE
    WHEN name NOT IN (SELECT value FROM json_each(:present)) THEN min(coalesce(left_at + :jump, :now), :now) END
    WHERE number > 0"""
WAITING = "SELECT count(*) FROM deliveries INDEXED BY deliveries_lane WHERE endpoint = ? AND phase = 'waiting'"


class Result(NamedTuple):
    """An attempt at a delivery and the state it leads to."""

    delivery: Delivery
    attempt: Attempt
    next: Next


@dataclass(frozen=True, slots=True)
class GivenUp:
    """A delivery that is over without an attempt: dead where a bug is the `cause`, else dropped."""

    delivery: Delivery
    cause: Cause
    at: float

    @property
    def phase(self) -> Phase:
        """Where the delivery ends."""
        return Phase.DEAD if self.cause is Cause.INTERNAL else Phase.DROPPED


@dataclass(frozen=True, slots=True)
class Standing:
    """How an endpoint fares after what has ended, and what is to be told of it, to whom."""

    endpoint: str
    health: Health
    tat: float
    """Of its rate: theoretical arrival time."""
    at: float
    revives: bool = False
    """It takes deliveries again: what waits for it is due."""
    notice: Notice | None = None
    onlookers: Sequence[Endpoint] = ()


class Owed(Owing):
    """The half of the store that remembers what is owed to whom."""

    async def due(
        self, now: float, wanted: Mapping[str, int], taken: Collection[int] = ()
    ) -> tuple[list[Delivery], float | None]:
        """Deliveries that may go now: due, and first of their lane; at most `wanted[endpoint]` for each endpoint.

        Those `taken` are on their way: they are counted, and left out.
        What has been due for longest comes first, whoever it is for. Also the moment at which the next one of these
        endpoints will be due. One statement for all endpoints: every trip to a thread costs as much as a few rows. It
        goes to the writer's, for mostly something was committed just now.
        """
        numbers = json.dumps([self.number(endpoint) for endpoint in wanted])
        most = max(wanted.values(), default=0)
        parameters = {"endpoints": numbers, "now": now, "most": most, "taken": json.dumps(list(taken))}
        rows = await self.database.look(_due, parameters)
        left = dict(wanted)
        found: list[Delivery] = []
        for _, id_, event, type_, endpoint, *columns in rows:
            if id_ is None:
                continue
            left[endpoint] -= 1
            if left[endpoint] >= 0 and id_ not in taken:
                found.append(Delivery(id_, event, type_, endpoint, *columns))
        return found, min((later for later, *_ in rows if later is not None), default=None)

    async def heads(self) -> list[tuple[str, float]]:
        """The endpoints for which anything may go by its lane, be it that the config names them no more, and when."""
        return [(name, due_at) for name, due_at in await self.database.rows(HEADS)]

    async def healths(self) -> dict[str, tuple[Health, float]]:
        """How every endpoint fares, and the theoretical arrival time of its rate; those too that left the config."""
        rows = await self.database.rows(f"SELECT name, tat, {HEALTH_COLUMNS} FROM endpoints WHERE number > 0")  # noqa: S608  # our own words
        return {name: (health_of(health), tat) for name, tat, *health in rows}

    async def mark_left(self, present: Iterable[str], now: float, jump: float = 0.0) -> dict[str, float]:
        """Note of all endpoints but those `present` that the config names them no more, of the latter that it does.

        Answers since when it does not. `jump` is by how many seconds the clock was put forward just now, or back.
        """
        parameters = {"present": json.dumps(list(present)), "now": now, "jump": jump}
        return await self.database.write(_mark_left, parameters)

    async def waiting(self, endpoint: str) -> int:
        """How many deliveries wait for an endpoint."""
        ((waiting,),) = await self.database.rows(WAITING, (self.number(endpoint),))
        return int(waiting)

    async def record(
        self, results: Sequence[Result], standings: Sequence[Standing] = (), given_up: Sequence[GivenUp] = ()
    ) -> Container[int]:
        """Write attempts and what they lead to, for deliveries and endpoints; after one that is over the next may go.

        What is told of an endpoint is announced in the same transaction. Answers which deliveries stay as they are:
        they were replaced, dropped or owed again meanwhile.
        """
        overtaken = await self.database.write(self._record, results, standings, given_up)
        if any(standing.notice is not None for standing in standings):
            self.announced.ring()
        return overtaken

    async def bring_forward(self, latest: Mapping[str, Sequence[float]], now: float, jump: float = 0.0) -> int:
        """Bring forward what is due later than it can be; answers how much. `latest[endpoint]`: see `moments`.

        `jump` is by how many seconds the clock was put forward just now, or back: what waits moves with it before.
        """
        bounds = [moments(*self._numbers(endpoint), by_slots) for endpoint, by_slots in latest.items()]
        return await self.database.write(rescheduled, bounds, now, jump)

    def _numbers(self, endpoint: str) -> tuple[int, int]:
        """The first and the last number of an endpoint, or of all callbacks."""
        return (LOWEST, -1) if endpoint == ALL else (self.number(endpoint), self.number(endpoint))

    def _record(
        self,
        db: sqlite3.Connection,
        results: Sequence[Result],
        standings: Sequence[Standing],
        given_up: Sequence[GivenUp],
    ) -> Container[int]:
        failed = [result.delivery for result in results if result.next.phase is not Phase.DELIVERED]
        undelivered = [*failed, *(one.delivery for one in given_up)]
        overtaken = _overtaken(db, undelivered) if undelivered else ()
        db.executemany(TRIED, [_attempt_row(result) for result in results])
        db.executemany(SETTLE, [_delivery_row(result) for result in results])
        if failed:
            db.executemany(COUNT, [{"id": one.id, "replay": one.replay} for one in failed])
        if given_up:
            db.executemany(GIVE_UP, [_given_up_row(one) for one in given_up])
        over = [result.delivery for result in results if result.next.phase is not Phase.WAITING]
        over += [one.delivery for one in given_up]
        lanes = [(self.number(one.endpoint), one.lane) for one in over if one.lane is not None]
        db.executemany(PROMOTE, lanes)
        for standing in standings:
            self._stand(db, standing)
        return overtaken

    def _stand(self, db: sqlite3.Connection, standing: Standing) -> None:
        number = self.number(standing.endpoint)
        row = (*health_row(standing.health), standing.tat, number)
        columns = ", ".join(f"{name.strip()} = ?" for name in HEALTH_COLUMNS.split(","))
        db.execute(f"UPDATE endpoints SET {columns}, tat = ? WHERE number = ?", row)  # noqa: S608  # our own words
        if standing.revives:
            db.execute(REVIVE, {"endpoint": number, "now": standing.at})
        if standing.notice is not None:
            ((waiting,),) = db.execute(WAITING, (number,))
            event = rendered(
                endpoint_event(standing.notice, number, waiting), {one.format for one in standing.onlookers}
            )
            self._owe(db, None, event, standing.onlookers)

    async def counts(self) -> dict[str, int]:
        """How many uploads are followed and how many deliveries wait: what the status line says."""
        sql = """SELECT (SELECT count(*) FROM uploads) -
                (SELECT count(*) FROM uploads INDEXED BY uploads_unfollowed WHERE unfollowed_at IS NOT NULL),
            (SELECT count(*) FROM deliveries INDEXED BY deliveries_lane WHERE phase = 'waiting')"""
        ((uploads, waiting),) = await self.database.rows(sql)
        return {"uploads": uploads, "waiting": waiting}


def _due(db: sqlite3.Connection, parameters: Mapping[str, Any]) -> list[Any]:
    return db.execute(DUE, parameters).fetchall()


def _mark_left(db: sqlite3.Connection, parameters: Mapping[str, Any]) -> dict[str, float]:
    db.execute(MARK_LEFT, parameters)
    return dict(db.execute("SELECT name, left_at FROM endpoints WHERE left_at IS NOT NULL"))


def _attempt_row(result: Result) -> tuple[object, ...]:
    delivery, attempt = result.delivery, result.attempt
    phases = ", ".join([f'"{phase}": {round(seconds, 6)}' for phase, seconds in attempt.phases.items()])
    return (
        delivery.id, delivery.attempts + 1, attempt.started_at, attempt.duration, f"{{{phases}}}",
        str(attempt.outcome), attempt.status, attempt.note, attempt.excerpt,
    )  # fmt: skip


def _delivery_row(result: Result) -> tuple[object, ...]:
    delivery, attempt, next_ = result.delivery, result.attempt, result.next
    settled_at = None if next_.phase is Phase.WAITING else attempt.started_at + attempt.duration
    return (
        str(next_.phase), next_.due_at, next_.slots, settled_at, next_.cause and next_.cause.value, next_.blamed,
        delivery.id, delivery.replay,
    )  # fmt: skip


def _given_up_row(one: GivenUp) -> dict[str, object]:
    return {"id": one.delivery.id, "phase": one.phase.value, "at": one.at, "cause": one.cause.value}


def _overtaken(db: sqlite3.Connection, some: Iterable[Delivery]) -> set[int]:
    """Which of these do not wait any more, or wait for another reason."""
    rows = json.dumps([(one.id, one.replay) for one in some])
    return {id_ for (id_,) in db.execute(OVERTAKEN, {"some": rows})}
