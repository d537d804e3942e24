"""What the poller asks of the store: sources, listings, uploads, and the one transaction that announces."""

import json
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import aiosqlite
from pydantic import TypeAdapter

from notifier.core.model import (
    SETTLED,
    Endpoint,
    Event,
    ListingState,
    Observation,
    Order,
    SourceState,
    Trouble,
    Upload,
)
from notifier.store.database import Database

SNAPSHOT = TypeAdapter(Observation)
GIVEN_OUT = (range(1, 1_000_000), range(1_000_000_000, 2_147_483_648))
"""Media ids we give out: small ones first, then above those that an encoding service may have given itself."""

UPLOAD_COLUMNS = """media_id, kind, id, followed_at, ref, registered, labels, sequence, snapshot,
    changed_at, stalled, misses, missing_since, due_at"""


@dataclass(frozen=True, slots=True)
class Announcement:
    """All that one look changes, to be written together or not at all."""

    source: SourceState
    listing: ListingState | None = None
    uploads: Sequence[Upload] = ()
    forgotten: Sequence[int] = ()
    """Media ids of uploads that are looked at no more; what is known of one stays, lest it become news again."""
    owed: Sequence[tuple[Event, Sequence[Endpoint]]] = ()


class Followed:
    """The half of the store that remembers what providers said."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self._sources: dict[str, int] = {}
        self._endpoints: dict[str, int] = {}

    async def enrol(self, sources: Iterable[str], endpoints: Iterable[str]) -> None:
        """Give every source and endpoint of the config its number."""
        async with self.database.transaction() as db:
            for table, names, numbers in (
                ("sources", sources, self._sources),
                ("endpoints", endpoints, self._endpoints),
            ):
                insert = f"INSERT INTO {table} (name) VALUES (?) ON CONFLICT DO NOTHING"  # noqa: S608  # one of two words
                await db.executemany(insert, [(name,) for name in names])
                async with db.execute(f"SELECT name, number FROM {table}") as cursor:  # noqa: S608  # as above
                    numbers.update({row[0]: row[1] for row in await cursor.fetchall()})

    async def source(self, name: str) -> SourceState:
        """What is remembered of an enrolled source."""
        sql = """SELECT number, sequence, tat, hold_until, failures, failing_since, trouble_code, trouble_text
            FROM sources WHERE name = ?"""
        rows = await self.database.rows(sql, (name,))
        if not rows:
            raise KeyError(name)
        number, sequence, tat, hold_until, failures, failing_since, code, text = rows[0]
        trouble = None if code is None else Trouble(code, text)
        return SourceState(name, number, sequence, tat, hold_until, failures, failing_since, trouble)

    async def listings(self, source: str) -> dict[str, ListingState]:
        """How far each of a source's collections has been read."""
        sql = "SELECT collection, page, due_at, baseline_at FROM listings WHERE source = ?"
        return {row[0]: ListingState(*row) for row in await self.database.rows(sql, (self._sources[source],))}

    async def has_open(self, source: str) -> bool:
        """Whether anything at a source has not settled."""
        sql = "SELECT 1 FROM uploads WHERE source = ? AND open = 1 LIMIT 1"
        return bool(await self.database.rows(sql, (self._sources[source],)))

    async def next_upload(self, source: str) -> Upload | None:
        """The upload at a source that is to be looked at first, due or not."""
        where = "source = ? AND due_at IS NOT NULL ORDER BY due_at LIMIT 1"
        found = await _uploads(self.database.rows, source, where, (self._sources[source],))
        return found[0] if found else None

    async def known(self, source: str, ids: Iterable[str]) -> dict[str, list[Upload]]:
        """The uploads followed at a source under these ids, of whatever kind."""
        where = "source = ? AND id IN (SELECT value FROM json_each(?))"
        parameters = (self._sources[source], json.dumps(list(ids)))
        uploads = await _uploads(self.database.rows, source, where, parameters)
        by_id: dict[str, list[Upload]] = {}
        for upload in uploads:
            by_id.setdefault(upload.id, []).append(upload)
        return by_id

    async def follow(self, uploads: Sequence[Upload]) -> list[Upload]:
        """Follow these, given with media id 0; answers them with their own. What is followed already stays as it is."""
        if not uploads:
            return []
        async with self.database.transaction() as db:
            return [await self._follow(db, upload) for upload in uploads]

    async def spend(self, source: SourceState) -> None:
        """Note a request before it is sent: a kill may forget allowance, never overdraw it."""
        async with self.database.transaction() as db:
            await db.execute("UPDATE sources SET tat = ? WHERE number = ?", (source.tat, source.number))

    async def announce(self, news: Announcement) -> None:
        """Snapshots, events, what is owed and how far we have read: one transaction."""
        async with self.database.transaction() as db:
            await self._write_source(db, news.source)
            if news.listing is not None:
                await self._write_listing(db, news.source.number, news.listing)
            await db.executemany(
                """UPDATE uploads SET kind = ?, ref = ?, sequence = ?, snapshot = ?, open = ?, changed_at = ?,
                    stalled = ?, misses = ?, missing_since = ?, due_at = ? WHERE media_id = ?""",
                [_row(upload) for upload in news.uploads],
            )
            forgotten = [(number,) for number in news.forgotten]
            await db.executemany("DELETE FROM uploads WHERE media_id = ? AND snapshot IS NULL", forgotten)
            await db.executemany("UPDATE uploads SET due_at = NULL WHERE media_id = ?", forgotten)
            for event, endpoints in news.owed:
                await self._owe(db, news.source.number, event, endpoints)

    # --- one row each

    async def _follow(self, db: aiosqlite.Connection, upload: Upload) -> Upload:
        number = self._sources[upload.source]
        where = "source = ? AND id = ? AND kind = ?"
        found = await _uploads(db.execute_fetchall, upload.source, where, (number, upload.id, upload.kind))
        if found:
            return found[0]
        media_id = await _media_id(db)
        await db.execute(
            """INSERT INTO uploads (media_id, source, kind, id, ref, registered, labels, followed_at, due_at)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)""",
            (media_id, number, upload.kind, upload.id, upload.ref, upload.registered, json.dumps(dict(upload.labels)),
             upload.followed_at, upload.due_at),
        )  # fmt: skip
        (stored,) = await _uploads(db.execute_fetchall, upload.source, "media_id = ?", (media_id,))
        return stored

    async def _write_source(self, db: aiosqlite.Connection, source: SourceState) -> None:
        code, text = (None, None) if source.trouble is None else (source.trouble.code, source.trouble.text)
        await db.execute(
            """UPDATE sources SET sequence = ?, tat = ?, hold_until = ?, failures = ?, failing_since = ?,
                trouble_code = ?, trouble_text = ? WHERE number = ?""",
            (source.sequence, source.tat, source.hold_until, source.failures, source.failing_since, code, text,
             source.number),
        )  # fmt: skip

    async def _write_listing(self, db: aiosqlite.Connection, source: int, listing: ListingState) -> None:
        await db.execute(
            """INSERT INTO listings (source, collection, page, due_at, baseline_at) VALUES (?, ?, ?, ?, ?)
                ON CONFLICT DO UPDATE SET page = excluded.page, due_at = excluded.due_at,
                baseline_at = excluded.baseline_at""",
            (source, listing.collection, listing.page, listing.due_at, listing.baseline_at),
        )

    async def _owe(self, db: aiosqlite.Connection, source: int, event: Event, endpoints: Sequence[Endpoint]) -> None:
        async with db.execute(
            """INSERT INTO events (id, type, source, upload, lane, sequence, status, at, body)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)""",
            (event.id, event.type, source, event.upload, event.lane, event.sequence, event.status, event.at,
             event.body),
        ) as cursor:  # fmt: skip
            position = cursor.lastrowid
        for endpoint in endpoints:
            number = self._endpoints[endpoint.name]
            lane = None if endpoint.order is Order.NONE else event.lane
            if endpoint.order is Order.LATEST:
                await _supersede(db, number, event, position)
            await db.execute(
                """INSERT INTO deliveries (event, endpoint, lane, sequence, created_at, due_at, head)
                    SELECT ?1, ?2, ?3, ?4, ?5, ?6,
                        NOT EXISTS (SELECT 1 FROM deliveries WHERE endpoint = ?2 AND lane = ?3 AND head = 1)""",
                (position, number, lane, event.sequence, event.at, event.at + endpoint.schedule[0]),
            )


async def _supersede(db: aiosqlite.Connection, endpoint: int, event: Event, position: int | None) -> None:
    """A newer status replaces every older waiting delivery of its lane; a newer detail only older details."""
    if event.type == "upload.stalled" or not event.type.startswith("upload."):
        return
    only = "AND (SELECT type FROM events WHERE position = event) = 'upload.updated'"
    await db.execute(
        f"""UPDATE deliveries SET phase = 'superseded', due_at = NULL, head = 0, settled_at = ?, replaced_by = ?
            WHERE endpoint = ? AND lane = ? AND phase = 'waiting' {only if event.type == "upload.updated" else ""}""",  # noqa: S608  # our own words
        (event.at, position, endpoint, event.lane),
    )
    await db.execute(PROMOTE, {"endpoint": endpoint, "lane": event.lane})


PROMOTE = """UPDATE deliveries SET head = 1 WHERE head = 0 AND id = (
    SELECT id FROM deliveries WHERE endpoint = :endpoint AND lane = :lane AND phase = 'waiting'
    ORDER BY sequence LIMIT 1)"""
"""Let the first waiting delivery of a lane go; nothing where there is none, or it may go already."""


async def _media_id(db: aiosqlite.Connection) -> int:
    """The next number to give out: never twice, and never one in use."""
    ((number,),) = await db.execute_fetchall("SELECT next FROM counters WHERE name = 'media_id'")
    if number == GIVEN_OUT[0].stop:
        number = GIVEN_OUT[1].start
    await db.execute("UPDATE counters SET next = ? WHERE name = 'media_id'", (number + 1,))
    return int(number)


async def _uploads(
    fetch: Callable[[str, Sequence[Any]], Awaitable[Iterable[Any]]], source: str, where: str, parameters: Sequence[Any]
) -> list[Upload]:
    sql = f"SELECT {UPLOAD_COLUMNS} FROM uploads WHERE {where}"  # noqa: S608  # the callers' own words
    return [_upload(source, row) for row in await fetch(sql, parameters)]


def _upload(source: str, row: Sequence[Any]) -> Upload:
    (media_id, kind, id_, followed_at, ref, registered, labels, sequence, snapshot,
     changed_at, stalled, misses, missing_since, due_at) = row  # fmt: skip
    return Upload(
        media_id, source, kind, id_, followed_at, ref, bool(registered), json.loads(labels), sequence,
        None if snapshot is None else SNAPSHOT.validate_json(snapshot),
        changed_at, bool(stalled), misses, missing_since, due_at,
    )  # fmt: skip


def _row(upload: Upload) -> tuple[Any, ...]:
    seen = upload.snapshot
    snapshot = None if seen is None else SNAPSHOT.dump_json(seen).decode()
    is_open = seen is None or seen.status not in SETTLED
    return (
        upload.kind, upload.ref, upload.sequence, snapshot, is_open, upload.changed_at, upload.stalled,
        upload.misses, upload.missing_since, upload.due_at, upload.media_id,
    )  # fmt: skip
