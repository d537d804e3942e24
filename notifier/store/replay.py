"""What is owed again: deliveries that are over wait once more, a step at a time, each with its cursor in one commit."""

import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, NamedTuple

from notifier.core.events import unwanted
from notifier.core.model import Endpoint, Phase
from notifier.core.replay import Selection
from notifier.store import latest
from notifier.store.errors import UnknownNameError
from notifier.store.owing import Owing
from notifier.store.rows import Page

LOOKED_AT = 500
"""Deliveries, or uploads, that one step looks at: those that do not match cost time too."""

ONE = """SELECT r.id, r.event, n.name, r.since, r.phases, r.latest, r.up_to, r.rate, r.created_at, r.cursor, r.count,
        r.done_at
    FROM replays AS r LEFT JOIN endpoints AS n ON n.number = r.endpoint WHERE r.id = ?"""
UNFINISHED = ONE.replace("r.id = ?", "r.done_at IS NULL ORDER BY r.id")
LISTED = ONE.replace("r.id = ?", "r.id < ? ORDER BY r.id DESC LIMIT ?")
KEPT = "SELECT 1 FROM events WHERE id = ?"
TO_ENDPOINT = """SELECT d.id, d.endpoint, d.lane, d.settled_at, e.at, n.name, e.type, s.name, e.status,
        d.format
    FROM json_each(:phases) AS p
    JOIN deliveries AS d ON d.id IN (
        SELECT id FROM deliveries WHERE endpoint = :endpoint AND phase = p.value AND id > :cursor AND id <= :up_to
        ORDER BY id LIMIT :most)
    JOIN events AS e ON e.position = d.event
    JOIN endpoints AS n ON n.number = d.endpoint LEFT JOIN sources AS s ON s.number = e.source
    ORDER BY d.id LIMIT :most"""
OF_EVENT = """SELECT d.id, d.endpoint, d.lane, d.settled_at, e.at, n.name, e.type, s.name, e.status,
        d.format
    FROM events AS e JOIN deliveries AS d ON d.event = e.position
    JOIN endpoints AS n ON n.number = d.endpoint LEFT JOIN sources AS s ON s.number = e.source
    WHERE e.id = :event AND d.id > :cursor AND d.id <= :up_to AND d.endpoint = coalesce(:endpoint, d.endpoint)
        AND d.phase IN (SELECT value FROM json_each(:phases))
    ORDER BY d.id LIMIT :most"""
OWE_AGAIN = f"UPDATE deliveries SET {latest.ANEW} WHERE id IN (SELECT value FROM json_each(:ids))"  # noqa: S608  # our own words


@dataclass(frozen=True, slots=True)
class Replay:
    """A selection that is being owed again, and how far that has come."""

    id: int
    selection: Selection
    up_to: int
    """The last delivery that there was when it was asked for: what was owed later is none of its business."""
    rate: float
    """Deliveries a second."""
    created_at: float
    cursor: int
    """The last delivery that was looked at; of the latest of each upload, the last upload."""
    count: int
    """Deliveries that were owed again."""
    done_at: float | None


class _Found(NamedTuple):
    """A delivery, or an upload, that the cursor comes past."""

    cursor: int
    fits: bool
    endpoint: int
    lane: int | None
    event: tuple[int, int] | None = None
    """Of an upload: position and sequence of the event that is to be owed."""


class Replaying(Owing):
    """The part of the store that owes again."""

    async def ask(self, selection: Selection, rate: float, now: float) -> Replay:
        """Note what is to be owed again, `rate` deliveries a second; the steps do it. Raises `UnknownNameError`."""
        endpoint = None if selection.endpoint is None else self.number(selection.endpoint)
        asked = (selection.event, endpoint, selection.since, json.dumps(selection.phases), selection.latest, rate, now)
        return await self.database.write(_ask, selection.event, asked)

    async def cancel(self, id_: int, now: float) -> bool:
        """Owe nothing more by a replay: what it has owed stays owed. Answers whether it was not done before.

        Raises `UnknownNameError`.
        """
        return await self.database.write(_cancel, id_, now)

    async def end(self, endpoint: str, now: float) -> list[int]:
        """The same of every replay to an endpoint; answers which. Raises `UnknownNameError`."""
        sql = "UPDATE replays SET done_at = ? WHERE endpoint = ? AND done_at IS NULL RETURNING id"
        parameters = (now, self.number(endpoint))
        return await self.database.write(lambda db: [id_ for (id_,) in db.execute(sql, parameters)])

    async def matching(self, selection: Selection, now: float, endpoints: Mapping[str, Endpoint]) -> int:
        """How many deliveries would be owed again if it were asked for now; raises `UnknownNameError`."""
        number = None if selection.endpoint is None else self.number(selection.endpoint)
        if selection.event is not None:
            await self.database.read(_must_be_kept, selection.event)
        ((up_to,),) = await self.database.rows("SELECT coalesce(max(id), 0) FROM deliveries")
        replay, count = Replay(0, selection, up_to, 1.0, now, 0, 0, None), 0
        while True:
            if selection.latest and number is not None:
                found = await self.database.read(_lacking, replay, number, endpoints[str(selection.endpoint)])
            else:
                found = await self.database.read(self._matching, replay, endpoints)
            count += sum(one.fits for one in found)
            if len(found) < LOOKED_AT:
                return count
            replay = replace(replay, cursor=found[-1].cursor)

    async def replays(self, before: int | None = None, most: int = 100) -> Page[Replay]:
        """At most `most` replays, those that are done as long as they are kept, that were asked for before `before`."""
        rows = await self.database.rows(LISTED, (1 << 62 if before is None else before, most + 1))
        found = [_replay_of(row) for row in rows]
        return Page(found[:most], found[most - 1].id if len(found) > most else None)

    async def unfinished(self) -> list[Replay]:
        """The replays that are not done, in the order in which they were asked for."""
        return [_replay_of(row) for row in await self.database.rows(UNFINISHED)]

    async def owe_again(
        self, id_: int, most: int, now: float, endpoints: Mapping[str, Endpoint] = MappingProxyType({})
    ) -> Replay:
        """One step of a replay: at most `most` deliveries wait again, with all of their schedule before them.

        Only what was over when it was asked for is taken, so that what is delivered meanwhile is not sent twice; and
        where there are `endpoints`, what goes to them, or to a callback, and is wanted there as they are now: the rest
        would be dropped, or wait for one that left the config, and stays.
        """
        return await self.database.write(self._owe_again, id_, most, now, endpoints)

    async def owe_latest(self, id_: int, endpoint: Endpoint, most: int, now: float) -> Replay:
        """The same of the latest: the last event of each upload that the endpoint, as it is now, wants and lacks."""
        return await self.database.write(_owe_latest, id_, self.number(endpoint.name), endpoint, most, now)

    def _owe_again(
        self, db: sqlite3.Connection, id_: int, most: int, now: float, endpoints: Mapping[str, Endpoint]
    ) -> Replay:
        replay = _replay(db, id_)
        if replay.done_at is not None:  # it was cancelled meanwhile
            return replay
        found = self._matching(db, replay, endpoints)
        taken, cursor, done = _portion(found, replay.cursor, most)
        ids = json.dumps([one.cursor for one in taken])
        db.execute(OWE_AGAIN, {"ids": ids, "now": now, "replay": id_})
        latest.put_in_order(db, [(one.endpoint, one.lane) for one in taken if one.lane is not None])
        return _note(db, replay, cursor, len(taken), now if done else None)

    def _matching(self, db: sqlite3.Connection, replay: Replay, endpoints: Mapping[str, Endpoint]) -> list[_Found]:
        """The next page of a replay's deliveries, and which of them were announced and over in time, and are wanted."""
        selection = replay.selection
        parameters = {
            "event": selection.event,
            "endpoint": None if selection.endpoint is None else self.number(selection.endpoint),
            "phases": json.dumps(selection.phases),
            "cursor": replay.cursor,
            "up_to": replay.up_to,
            "most": LOOKED_AT,
        }
        since = selection.since or 0.0
        rows = db.execute(TO_ENDPOINT if selection.event is None else OF_EVENT, parameters)
        found = []
        for delivery, number, lane, settled_at, at, name, *about in rows:
            has_left = bool(endpoints) and number > 0 and name not in endpoints
            wanted = not has_left and (name not in endpoints or unwanted(endpoints[name], *about) is None)
            in_time = at >= since and settled_at <= replay.created_at
            found.append(_Found(delivery, wanted and in_time, number, lane))
        return found


def _ask(db: sqlite3.Connection, event: str | None, asked: Sequence[Any]) -> Replay:
    if event is not None:
        _must_be_kept(db, event)
    cursor = db.execute(
        """INSERT INTO replays (event, endpoint, since, phases, latest, up_to, rate, created_at)
            VALUES (?, ?, ?, ?, ?, (SELECT coalesce(max(id), 0) FROM deliveries), ?, ?)""",
        asked,
    )
    return _replay(db, cursor.lastrowid)


def _cancel(db: sqlite3.Connection, id_: int, now: float) -> bool:
    if not db.execute("SELECT 1 FROM replays WHERE id = ?", (id_,)).fetchall():
        raise UnknownNameError(f"no replay {id_} is kept: it never was one, or its time is over")
    sql = "UPDATE replays SET done_at = ? WHERE id = ? AND done_at IS NULL"
    return db.execute(sql, (now, id_)).rowcount > 0


def _owe_latest(db: sqlite3.Connection, id_: int, number: int, endpoint: Endpoint, most: int, now: float) -> Replay:
    replay = _replay(db, id_)
    if replay.done_at is not None:
        return replay
    found = _lacking(db, replay, number, endpoint)
    taken, cursor, done = _portion(found, replay.cursor, most)
    events = {one.lane: one.event for one in taken if one.lane is not None and one.event is not None}
    latest.owe(db, number, endpoint, events, now, id_)
    return _note(db, replay, cursor, len(taken), now if done else None)


def _lacking(db: sqlite3.Connection, replay: Replay, number: int, endpoint: Endpoint) -> list[_Found]:
    owed = latest.lacking(db, replay.cursor, LOOKED_AT, number, endpoint)
    return [_Found(lane, event is not None, number, lane, event) for lane, event in owed.items()]


def _must_be_kept(db: sqlite3.Connection, event: str) -> None:
    if not db.execute(KEPT, (event,)).fetchall():
        raise UnknownNameError(f"no event {event!r} is kept: it never was one, or its time is over")


def _portion(found: Sequence[_Found], cursor: int, most: int) -> tuple[list[_Found], int, bool]:
    """What one step takes of a page, where the cursor is then, and whether nothing lies behind it."""
    taken: list[_Found] = []
    for one in found:
        if one.fits and len(taken) == most:
            return taken, cursor, False
        cursor = one.cursor
        if one.fits:
            taken.append(one)
    return taken, cursor, len(found) < LOOKED_AT


def _note(db: sqlite3.Connection, replay: Replay, cursor: int, count: int, done_at: float | None) -> Replay:
    after = replace(replay, cursor=cursor, count=replay.count + count, done_at=done_at)
    sql = "UPDATE replays SET cursor = ?, count = ?, done_at = ? WHERE id = ?"
    db.execute(sql, (after.cursor, after.count, done_at, after.id))
    return after


def _replay(db: sqlite3.Connection, id_: int | None) -> Replay:
    (row,) = db.execute(ONE, (id_,)).fetchall()
    return _replay_of(row)


def _replay_of(row: Sequence[Any]) -> Replay:
    id_, event, endpoint, since, phases, latest, *progress = row
    selection = Selection(event, endpoint, since, tuple(map(Phase, json.loads(phases))), bool(latest))
    return Replay(id_, selection, *progress)
