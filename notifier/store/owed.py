"""What the sender asks of the store: what may go now, and one transaction for a batch of results."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from notifier.core.model import Attempt, Delivery, Phase
from notifier.core.retry import Next
from notifier.store.followed import PROMOTE, Followed

DUE = """SELECT
        (SELECT MIN(due_at) FROM deliveries WHERE endpoint = w.value AND head = 1 AND due_at > :now),
        d.id, e.id, e.type, n.name, d.lane, d.sequence, d.slots, d.attempts, d.due_at, d.created_at,
        COALESCE(r.body, e.body), s.name, e.upload, d.format
    FROM json_each(:endpoints) AS w
    LEFT JOIN deliveries AS d ON d.id IN (
        SELECT id FROM deliveries WHERE endpoint = w.value AND head = 1 AND due_at <= :now ORDER BY due_at LIMIT :most)
    LEFT JOIN events AS e ON e.position = d.event
    LEFT JOIN renderings AS r ON r.event = d.event AND r.format = d.format
    LEFT JOIN sources AS s ON s.number = e.source
    LEFT JOIN endpoints AS n ON n.number = d.endpoint
    ORDER BY d.due_at, d.id"""

SETTLE = """UPDATE deliveries SET phase = :phase, due_at = :due_at, slots = :slots, attempts = attempts + 1,
        head = head AND :phase = 'waiting', settled_at = :settled_at, replaced_by = NULL
    WHERE id = :id AND (phase = 'waiting' OR :phase = 'delivered')"""
"""A row that was replaced while its request was on the way is delivered or nothing: it never waits again."""
FORWARD = """UPDATE deliveries SET due_at = latest.value FROM json_each(:latest) AS latest
    WHERE endpoint = :endpoint AND phase = 'waiting' AND latest.key = min(slots, :last) AND due_at > latest.value"""
COUNT = "UPDATE deliveries SET attempts = attempts + 1 WHERE id = :id AND phase = 'superseded'"
"""Such a row, where nothing came of the request: it was an attempt all the same."""


@dataclass(frozen=True, slots=True)
class Result:
    """An attempt at a delivery and the state it leads to."""

    delivery: Delivery
    attempt: Attempt
    next: Next


class Owed(Followed):
    """The half of the store that remembers what is owed to whom."""

    async def due(self, now: float, wanted: Mapping[str, int]) -> tuple[list[Delivery], float | None]:
        """Deliveries that may go now: due, and first of their lane; at most `wanted[endpoint]` for each endpoint.

        What has been due for longest comes first, whoever it is for. Also the moment at which the next one of these
        endpoints will be due. One statement for all endpoints: every trip to the reader's thread costs as much as a
        few rows.
        """
        numbers = json.dumps([self._endpoints[endpoint] for endpoint in wanted])
        most = max(wanted.values(), default=0)
        rows = await self.database.rows(DUE, {"endpoints": numbers, "now": now, "most": most})
        left = dict(wanted)
        found: list[Delivery] = []
        for _, id_, *columns in rows:
            if id_ is None:
                continue
            delivery = Delivery(id_, *columns)
            left[delivery.endpoint] -= 1
            if left[delivery.endpoint] >= 0:
                found.append(delivery)
        return found, min((later for later, *_ in rows if later is not None), default=None)

    async def record(self, results: Sequence[Result]) -> None:
        """Write attempts and what they lead to; where a delivery is over, the next of its lane may go."""
        async with self.database.transaction() as db:
            await db.executemany(
                """INSERT INTO attempts (delivery, number, started_at, duration, phases, outcome, status, note, excerpt)
                    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)""",
                [_attempt_row(result) for result in results],
            )
            await db.executemany(SETTLE, [_delivery_row(result) for result in results])
            failed = [{"id": result.delivery.id} for result in results if result.next.phase is not Phase.DELIVERED]
            if failed:
                await db.executemany(COUNT, failed)
            over = [result.delivery for result in results if result.next.phase is not Phase.WAITING]
            await db.executemany(
                PROMOTE,
                [
                    {"endpoint": self._endpoints[delivery.endpoint], "lane": delivery.lane}
                    for delivery in over
                    if delivery.lane is not None
                ],
            )

    async def bring_forward(self, latest: Mapping[str, Sequence[float]]) -> int:
        """Bring forward what waits for longer than is possible: its due time comes of a clock that was wrong.

        `latest[endpoint]` holds the last moment at which a delivery may be due, by the slots that it has used; its last
        one holds for all further slots. Answers how many were brought forward.
        """
        moments = [
            {"endpoint": self._endpoints[endpoint], "latest": json.dumps(list(by_slots)), "last": len(by_slots) - 1}
            for endpoint, by_slots in latest.items()
        ]
        async with self.database.transaction() as db, db.executemany(FORWARD, moments) as cursor:
            return max(cursor.rowcount, 0)  # of no statement at all it is -1

    async def counts(self) -> dict[str, int]:
        """How many uploads are followed and how many deliveries wait: what the status line says."""
        sql = """SELECT (SELECT count(*) FROM uploads),
            (SELECT count(*) FROM deliveries INDEXED BY deliveries_lane WHERE phase = 'waiting')"""
        ((uploads, waiting),) = await self.database.rows(sql)
        return {"uploads": uploads, "waiting": waiting}


def _attempt_row(result: Result) -> tuple[object, ...]:
    delivery, attempt = result.delivery, result.attempt
    phases = json.dumps({phase: round(seconds, 6) for phase, seconds in attempt.phases.items()})
    return (
        delivery.id, delivery.attempts + 1, attempt.started_at, attempt.duration, phases, attempt.outcome.value,
        attempt.status, attempt.note, attempt.excerpt,
    )  # fmt: skip


def _delivery_row(result: Result) -> dict[str, object]:
    next_ = result.next
    ended_at = result.attempt.started_at + result.attempt.duration
    return {
        "id": result.delivery.id,
        "phase": next_.phase.value,
        "due_at": next_.due_at,
        "slots": next_.slots,
        "settled_at": None if next_.phase is Phase.WAITING else ended_at,
    }
