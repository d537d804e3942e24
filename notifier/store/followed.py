"""What the poller asks of the store: sources, listings, uploads, and the one transaction that announces."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import aiosqlite

from notifier.core.budget import Budget
from notifier.core.lives import Lives
from notifier.core.model import Endpoint, Event, ListingState, SourceState, Upload
from notifier.store import moments, numbers
from notifier.store.owing import Owing
from notifier.store.rows import (
    budget_of,
    budget_row,
    lives_of,
    lives_row,
    source_of,
    upload_row,
    uploads_of,
)

UPDATE = """UPDATE uploads SET kind = ?, ref = ?, sequence = ?, snapshot = ?, open = ?, changed_at = ?,
        stalled = ?, misses = ?, missing_since = ?, due_at = ?, fingerprint = ?, batch_fingerprint = ?
    WHERE media_id = ?"""
CHANGED = """SELECT j.key FROM json_each(:rows) AS j
    LEFT JOIN uploads AS u ON u.source = :source AND u.id = j.value->>1 AND u.kind = j.value->>0
    WHERE iif(:batched, u.batch_fingerprint, u.fingerprint) IS NOT j.value->>2 OR u.misses > 0 OR u.due_at <= :now"""


@dataclass(frozen=True, slots=True)
class Announcement:
    """All that one look changes, to be written together or not at all."""

    source: SourceState
    listing: ListingState | None = None
    uploads: Sequence[Upload] = ()
    budgets: Mapping[str, Budget] = field(default_factory=dict)
    lives: Mapping[str, Lives] = field(default_factory=dict)
    owed: Sequence[tuple[Event, Sequence[Endpoint]]] = ()


class Followed(Owing):
    """The half of the store that remembers what providers said."""

    async def source(self, name: str) -> SourceState:
        """What is remembered of an enrolled source."""
        sql = """SELECT number, sequence, hold_until, failures, failing_since, trouble_code, trouble_text,
            failed, failed_due_at FROM sources WHERE name = ?"""
        rows = await self.database.rows(sql, (name,))
        if not rows:
            raise KeyError(name)
        return source_of(name, rows[0])

    async def in_trouble(self) -> set[str]:
        """The names of the sources that are in trouble."""
        return {row[0] for row in await self.database.rows("SELECT name FROM sources WHERE trouble_code IS NOT NULL")}

    async def listings(self, source: str) -> dict[str, ListingState]:
        """How far each of a source's collections has been read."""
        sql = """SELECT collection, page, due_at, baseline_at, swept_at, failures, cursor FROM listings
            WHERE source = ?"""
        return {row[0]: ListingState(*row) for row in await self.database.rows(sql, (self._sources[source],))}

    async def next_uploads(self, source: str, most: int, *, seen: bool) -> list[Upload]:
        """The uploads at a source that are to be asked for by themselves next, due or not, `seen` before or never."""
        where = f"source = ? AND due_at IS NOT NULL AND snapshot IS {'NOT ' * seen}NULL ORDER BY due_at LIMIT ?"
        return await uploads_of(self.database.rows, source, where, (self._sources[source], most))

    async def as_now(self, uploads: Sequence[Upload]) -> list[Upload]:
        """These uploads, all of one source, as they stand now, as far as they are still followed."""
        numbers = json.dumps([one.media_id for one in uploads])
        where = "media_id IN (SELECT value FROM json_each(?)) AND unfollowed_at IS NULL"
        return await uploads_of(self.database.rows, uploads[0].source, where, (numbers,)) if uploads else []

    async def open_uploads(self, source: str) -> list[Upload]:
        """All uploads at a source that have not settled."""
        return await uploads_of(self.database.rows, source, "source = ? AND open = 1", (self._sources[source],))

    async def open_count(self, source: str) -> int:
        """How many they are."""
        sql = "SELECT count(*) FROM uploads WHERE source = ? AND open = 1"
        ((count,),) = await self.database.rows(sql, (self._sources[source],))
        return int(count)

    async def look_anew(self, source: str, now: float) -> None:
        """Let all that is open at a source be due, and each of its lists, to the end."""
        number = self._sources[source]
        async with self.database.transaction() as db:
            await db.execute("UPDATE listings SET due_at = ?, swept_at = NULL WHERE source = ?", (now, number))
            sql = "UPDATE uploads SET due_at = ? WHERE source = ? AND open = 1 AND due_at IS NOT NULL"
            await db.execute(sql, (now, number))

    async def listed(self, source: str) -> list[Upload]:
        """All uploads at a source that its lists ought to show: those seen and not gone, and those registered."""
        there = "(snapshot IS NULL AND registered = 1) OR snapshot->>'status' <> 'gone'"
        return await uploads_of(self.database.rows, source, f"source = ? AND ({there})", (self._sources[source],))

    async def changed(
        self, source: str, rows: Sequence[tuple[str, str, int]], now: float, *, batched: bool = False
    ) -> set[int]:
        """Which of these rows, each a kind, an id and a fingerprint, say anything that is not known: their places.

        Also those about uploads that were missed, or are due: they are to be read whatever they say.
        """
        parameters = {"rows": json.dumps(rows), "source": self._sources[source], "now": now, "batched": batched}
        return {row[0] for row in await self.database.rows(CHANGED, parameters)}

    async def lives(self, sources: Iterable[str]) -> dict[str, dict[str, Lives]]:
        """How long the uploads of each class at each of these sources took."""
        names = {self._sources[name]: name for name in sources}
        sql = "SELECT source, class, events, exposure FROM lives WHERE source IN (SELECT value FROM json_each(?))"
        found: dict[str, dict[str, Lives]] = {name: {} for name in names.values()}
        for source, class_, events, exposure in await self.database.rows(sql, (json.dumps(list(names)),)):
            found[names[source]][class_] = lives_of(events, exposure)
        return found

    async def known(self, source: str, ids: Iterable[str]) -> dict[str, list[Upload]]:
        """The uploads at a source with these ids, of whatever kind, followed or no more."""
        where = "source = ? AND id IN (SELECT value FROM json_each(?))"
        parameters = (self._sources[source], json.dumps(list(ids)))
        uploads = await uploads_of(self.database.rows, source, where, parameters)
        by_id: dict[str, list[Upload]] = {}
        for upload in uploads:
            by_id.setdefault(upload.id, []).append(upload)
        return by_id

    async def follow(self, uploads: Sequence[Upload]) -> list[Upload]:
        """Follow these; answers them with their own media ids. What is followed already stays as it is.

        Given is the media id that each would have, or 0: that is its own unless another has it.
        """
        if not uploads:
            return []
        async with self.database.transaction() as db:
            return [await self._follow(db, upload) for upload in uploads]

    async def give_tasks(self, wanted: Mapping[int, Sequence[int]]) -> dict[int, list[int]]:
        """Numbers for the tasks of these uploads: the wanted one; for 0, or where another has that, one of ours."""
        async with self.database.transaction() as db:
            return {upload: [await numbers.task(db, upload, one) for one in each] for upload, each in wanted.items()}

    async def believe_no_later(self, listings: Mapping[str, float], look: float, hold: float) -> None:
        """Bring forward what is due later than these moments, `listings` by source: a clock that was ahead wrote it."""
        async with self.database.transaction() as db:
            numbered = [(self._sources[source], listing) for source, listing in listings.items()]
            await moments.clamp(db, numbered, look, hold)

    async def put_back(self, seconds: float, now: float) -> None:
        """Bring forward by so many seconds what is due after `now`: our clock was put back by them.

        What has happened, happened now at the latest.
        """
        async with self.database.transaction() as db:
            await moments.put_back(db, seconds, now)

    async def budgets(self) -> dict[str, Budget]:
        """What is used of what each credential may be asked."""
        rows = await self.database.rows("SELECT name, state FROM budgets", ())
        return {name: budget_of(state) for name, state in rows}

    async def spend(self, name: str, budget: Budget) -> None:
        """Note a request before it is sent: a kill may forget allowance, never overdraw it."""
        async with self.database.transaction() as db:
            await _write_budget(db, name, budget)

    async def announce(self, news: Announcement) -> None:
        """Snapshots, events, what is owed and how far we have read: one transaction."""
        superseded: Counter[str] = Counter()
        async with self.database.transaction() as db:
            await self._write_source(db, news.source)
            if news.listing is not None:
                await self._write_listing(db, news.source.number, news.listing)
            if news.uploads:  # each statement is a trip to another thread
                await db.executemany(UPDATE, [upload_row(upload) for upload in news.uploads])
            for name, budget in news.budgets.items():
                await _write_budget(db, name, budget)
            if news.lives:
                await db.executemany(
                    "INSERT OR REPLACE INTO lives (source, class, events, exposure) VALUES (?, ?, ?, ?)",
                    [lives_row(news.source.number, name, lives) for name, lives in news.lives.items()],
                )
            for event, endpoints in news.owed:
                superseded += await self._owe(db, news.source.number, event, endpoints)
        self.superseded += superseded
        if news.owed:
            self.announced.ring()

    # --- one row each

    async def _follow(self, db: aiosqlite.Connection, upload: Upload) -> Upload:
        number = self._sources[upload.source]
        where = "source = ? AND id = ? AND kind = ?"
        found = await uploads_of(db.execute_fetchall, upload.source, where, (number, upload.id, upload.kind))
        if found:
            return found[0]
        media_id = await numbers.media_id(db, upload.media_id)
        await db.execute(
            """INSERT INTO uploads (media_id, source, kind, id, ref, registered, labels, followed_at, due_at)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)""",
            (media_id, number, upload.kind, upload.id, upload.ref, upload.registered, json.dumps(dict(upload.labels)),
             upload.followed_at, upload.due_at),
        )  # fmt: skip
        (stored,) = await uploads_of(db.execute_fetchall, upload.source, "media_id = ?", (media_id,))
        return stored

    async def _write_source(self, db: aiosqlite.Connection, source: SourceState) -> None:
        code, text = (None, None) if source.trouble is None else (source.trouble.code, source.trouble.text)
        await db.execute(
            """UPDATE sources SET sequence = ?, hold_until = ?, failures = ?, failing_since = ?,
                trouble_code = ?, trouble_text = ?, failed = ?, failed_due_at = ? WHERE number = ?""",
            (source.sequence, source.hold_until, source.failures, source.failing_since, code, text,
             source.failed, source.failed_due_at, source.number),
        )  # fmt: skip

    async def _write_listing(self, db: aiosqlite.Connection, source: int, listing: ListingState) -> None:
        await db.execute(
            """INSERT OR REPLACE INTO listings
                (source, collection, page, due_at, baseline_at, swept_at, failures, cursor)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?)""",
            (source, listing.collection, listing.page, listing.due_at, listing.baseline_at, listing.swept_at,
             listing.failures, listing.cursor),
        )  # fmt: skip


async def _write_budget(db: aiosqlite.Connection, name: str, budget: Budget) -> None:
    await db.execute("INSERT OR REPLACE INTO budgets (name, state) VALUES (?, ?)", budget_row(name, budget))
