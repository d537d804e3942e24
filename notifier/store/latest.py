"""uploads × an endpoint → the last event of each that it wants and lacks, and that this is owed."""

import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import count
from typing import Any

from notifier.core.events import passes
from notifier.core.model import STANDARD, Endpoint, Event, Order, Phase
from notifier.core.render import rendered
from notifier.store.owing import PROMOTE

SAID = """SELECT e.lane, e.sequence, e.position, e.type, s.name, e.status, d.phase
    FROM events AS e JOIN sources AS s ON s.number = e.source
    LEFT JOIN deliveries AS d ON d.event = e.position AND d.endpoint = :endpoint AND instr(d.format, ';part=') = 0
    WHERE e.lane IN (SELECT value FROM json_each(:lanes))"""
"""All that was ever announced of some uploads, and what became of it at an endpoint, its single destinations aside."""
UNRENDERED = """SELECT e.position, e.id, e.type, e.at, s.name, e.lane, e.sequence, e.status, e.body, e.upload,
        e.tasks
    FROM events AS e JOIN sources AS s ON s.number = e.source
    LEFT JOIN renderings AS r ON r.event = e.position AND r.format = :format
    WHERE e.position IN (SELECT value FROM json_each(:events)) AND r.event IS NULL"""
"""Events as `Event` wants them, that nobody wanted in a format before."""
ANEW = """phase = 'waiting', due_at = :now, slots = 0, head = lane IS NULL, replay = :replay,
    settled_at = NULL, replaced_by = NULL, dropped_by = NULL, cause = NULL, blamed = 0"""
"""What makes a delivery that is over wait again."""
OWE = f"""INSERT INTO deliveries (event, endpoint, lane, sequence, format, created_at, due_at, head, replay)
    VALUES (:event, :endpoint, :lane, :sequence, :format, :now, :now, :lane IS NULL, :replay)
    ON CONFLICT (event, endpoint, format) DO UPDATE SET {ANEW}"""  # noqa: S608  # our own words
DEMOTE = """UPDATE deliveries SET head = 0 WHERE endpoint = ?1 AND lane = ?2 AND head = 1 AND id <> (
    SELECT id FROM deliveries WHERE endpoint = ?1 AND lane = ?2 AND phase = 'waiting'
    ORDER BY sequence, id LIMIT 1)"""
"""Let a head wait behind an older one. It may be on its way: nothing else of its lane is sent before that has ended."""
HAS = {Phase.WAITING, Phase.DELIVERED}
"""The phases of what an endpoint has, or is about to have."""


def lacking(
    db: sqlite3.Connection, after: int, most: int, number: int, endpoint: Endpoint
) -> dict[int, tuple[int, int] | None]:
    """The next `most` uploads after one, and of each the event that is to be owed, if any: position and sequence.

    `number` is that of the endpoint.
    """
    sql = "SELECT media_id, sequence FROM uploads WHERE media_id > ? ORDER BY media_id LIMIT ?"
    last = {row[0]: row[1] for row in db.execute(sql, (after, most))}
    said: dict[int, list[Any]] = {lane: [] for lane in last}
    for lane, *event in db.execute(SAID, {"endpoint": number, "lanes": json.dumps(list(last))}):
        said[lane].append(event)
    return {lane: _last_lacking(endpoint, events, last[lane]) for lane, events in said.items()}


def _last_lacking(endpoint: Endpoint, events: Sequence[Any], last: int) -> tuple[int, int] | None:
    """The last event of an upload that the endpoint wants; None where it has that or a later one, or that waits.

    What is older than one that is kept no longer, be it the `last` of its sequence, is no news but an old status: it
    is not known who had that one.
    """
    kept = {sequence for sequence, *_ in events}
    gone = next(sequence for sequence in count(last, -1) if sequence not in kept)
    known = [event for event in events if event[0] > gone]
    newest_first = sorted(known, key=lambda event: (event[0], event[-1] in HAS), reverse=True)
    for sequence, position, type_, source, status, phase in newest_first:
        if phase in HAS:
            return None
        if passes(endpoint, type_, source, status):
            return position, sequence
    return None


def owe(
    db: sqlite3.Connection,
    number: int,
    endpoint: Endpoint,
    events: Mapping[int, tuple[int, int]],
    now: float,
    replay: int | None = None,
) -> None:
    """Owe an event of each of these uploads, its position and its sequence, with all of the schedule before it.

    `number` is that of the endpoint; `replay` is the one that asks for it.
    """
    _render(db, [position for position, _ in events.values()], endpoint.format)
    common = {"endpoint": number, "format": endpoint.format, "now": now, "replay": replay}
    ordered = endpoint.order is not Order.NONE
    db.executemany(
        OWE,
        [
            {"lane": lane if ordered else None, "event": position, "sequence": sequence, **common}
            for lane, (position, sequence) in events.items()
        ],
    )
    put_in_order(db, [(number, lane) for lane in events])


def put_in_order(db: sqlite3.Connection, lanes: Sequence[tuple[int, int]]) -> None:
    """Let the first of each lane of an endpoint go, be it that one waits that has come back before it."""
    db.executemany(DEMOTE, lanes)
    db.executemany(PROMOTE, lanes)


def _render(db: sqlite3.Connection, events: Sequence[int], format_: str) -> None:
    """Fix the bytes of events in a format that none of their receivers has wanted yet."""
    if format_ == STANDARD:
        return
    parameters = {"events": json.dumps(events), "format": format_}
    for position, *columns, tasks in db.execute(UNRENDERED, parameters).fetchall():
        event = replace(Event(*columns), tasks=tuple(json.loads(tasks)))
        body = rendered(event, [format_]).renderings[format_]
        db.execute("INSERT INTO renderings (event, format, body) VALUES (?, ?, ?)", (position, format_, body))
